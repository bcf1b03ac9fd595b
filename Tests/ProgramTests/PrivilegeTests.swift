import Foundation
import Testing

/// What is left of mounting where privileges are missing.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct PrivilegeTests {
    private func withBase(_ body: (Program) throws -> Void) throws {
        let program = try Program()
        defer { program.remove() }
        try program.importBase()
        try body(program)
    }

    @Test func `in a user namespace images are mounted, without passthrough`() throws {
        try withBase { program in
            let output = try program.run(
                shell: """
                    unshare -Urm sh -ec '
                    $VITRINE info | grep ^FUSE
                    $VITRINE mount base m; cat m/etc/passwd; stat -c %u:%g m/etc; $VITRINE umount m
                    $VITRINE mount --rw base m; echo new > m/etc/new; cat m/etc/new
                    echo more >> m/usr/share/data/1; tail -n 1 m/usr/share/data/1; $VITRINE umount m
                    $VITRINE serve --detach; ls gallery/images; $VITRINE umount gallery'
                    """)
            #expect(output.status == 0, "\(output.errors)")
            let text = output.text
            #expect(text.contains("FUSE: available in this user namespace, without passthrough"))
            #expect(text.contains("root:x:0:0:root:/root:/bin/sh\n0:0\nnew\n"))
            #expect(text.contains("more\n"))
            #expect(text.hasSuffix("base:latest\n"))
        }
    }

    @Test func `root without the capability is told what is missing`() throws {
        try withBase { program in
            let without = "setpriv --bounding-set -sys_admin --inh-caps -sys_admin --"
            let mount = try program.run(shell: "\(without) $VITRINE mount base m")
            #expect(mount.status == 1)
            #expect(
                mount.errors.contains("root without the capability CAP_SYS_ADMIN may not mount"),
                "\(mount.errors)")
            let info = try program.run(shell: "\(without) $VITRINE info")
            #expect(info.text.contains("FUSE: not available: root without the capability"))
        }
    }
}
