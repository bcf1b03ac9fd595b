import Foundation
import Testing

/// A program whose store, with the image `base`, is on a file system of its own.
func withDisk(
    megabytes: Int = 64, type: String = "ext4", _ body: (Program) throws -> Void
) throws {
    let program = try Program()
    defer { program.remove() }
    try check(
        program,
        """
        truncate -s \(megabytes)M disk && mkfs.\(type) -q disk && mkdir store w && \
        mount -o loop disk store && chmod 700 store
        """)
    defer {
        for place in ["m", "w"] { _ = try? program.run("umount", "--lazy", place) }
        _ = try? program.run(shell: "umount store || umount -l store")  // told by the suite
    }
    try program.importBase()
    try body(program)
}

@discardableResult
func check(
    _ program: Program, _ script: String, status: Int32 = 0, says: String? = nil
) throws -> String {
    let output = try program.run(shell: script)
    #expect(output.status == status, "\(script): \(output.errors)")
    if let says {
        #expect((output.text + output.errors).contains(says), "\(script): \(output.errors)")
    }
    return output.text
}
