import Foundation
import Glibc
import Store
import Testing

/// A program with a small image `base`, a container `web` on it that does not run, and files to copy.
func withCopyFixture(_ body: (Program) throws -> Void) throws {
    let program = try Program()
    defer {
        _ = try? program.run("umount", "--lazy", "m")  // mounted or not
        program.remove()
    }
    let made = try program.run(
        shell: """
            set -e
            mkdir -p root/etc root/tmp root/opt/app root/ro
            echo passwd > root/etc/passwd
            ln -s etc root/link; ln -s passwd root/etc/plink; ln -s nowhere root/etc/dangling
            ln -s /etc/secret root/abs; ln -s ../../../../../../etc/secret root/dots
            chmod 1777 root/tmp
            $VITRINE import root base > /dev/null
            $VITRINE create --name web base > /dev/null
            printf hello > file; mkdir -p dir/sub; printf a > dir/a; printf b > dir/sub/b
            """)
    try #require(made.status == 0, "\(made.errors)")
    try body(program)
    // Whatever was copied, nothing stays mounted or leased.
    #expect(try program.run(shell: "ls store/work store/locks | grep lease; true").text == "")
    #expect(
        try program.run(shell: "grep -c \"$PWD/store\" /proc/self/mountinfo; true").text == "0\n")
    let check = try program.run("fsck")
    #expect(check.status == 0, "\(check.text)")
}

extension Program {
    /// The files of the container, a line each: path, kind and mode, target or content.
    func listing(_ container: String, _ path: String) throws -> String {
        try run(
            shell: """
                rm -rf listed && mkdir listed && $VITRINE cp -q \(container):\(path)/. listed/all \
                && cd listed/all && find . -mindepth 1 -printf '%P %y %l\\n' | sed 's/ $//' \
                | LC_ALL=C sort; find . -type f | LC_ALL=C sort | xargs -r cat
                """
        ).text
    }

    /// Gives a container of the store mounts.
    func setMounts(
        _ mounts: [ContainerSettings.ContainerMount], of name: String, isRootReadOnly: Bool = false
    ) throws {
        let store = try Store(root: directory + "/store")
        let record = try #require(try store.containers().first { $0.name == name })
        try store.updateSettings(of: record.id) {
            $0.mounts = mounts
            $0.isRootReadOnly = isRootReadOnly
        }
    }
}
