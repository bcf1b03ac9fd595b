import Foundation
import Testing

/// What a container cannot do to its host, by Docker's defaults.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct IsolationTests {
    /// Runs a script in a new container.
    private func run(
        _ program: Program, options: [String] = [], _ script: String
    ) throws -> String {
        let arguments = ["run", "--rm", "--network", "none"] + options
        let output = try program.run(arguments: arguments + ["base", "sh", "-c", script])
        return output.text + output.errors
    }

    private static let runc = "/usr/sbin/runc"

    /// As where systemd mounts version 2 alone. Containers of runc saw the whole host's groups there.
    @Test(
        .enabled(
            if: FileManager.default.isExecutableFile(atPath: runc), "there is no /usr/sbin/runc"))
    func `with version 2 of control groups a container of runc sees its own alone`() throws {
        try withContainers { program in
            let output = try program.run(
                shell: """
                    exec unshare --mount sh -c '
                        mount -t cgroup2 cgroup2 /sys/fs/cgroup
                        crun=$(command -v crun) && mount --bind /bin/false "$crun"
                        $VITRINE run -d --name one --network none base sleep 100 > /dev/null
                        $VITRINE exec one sh -c "
                            busybox grep ^0: /proc/self/cgroup
                            busybox ls -d /sys/fs/cgroup/vitrine 2> /dev/null
                            busybox mkdir /sys/fs/cgroup/x 2> /dev/null || echo read-only"
                        $VITRINE inspect -f "{{.HostConfig.CgroupnsMode}}" one
                        $VITRINE pause one && $VITRINE inspect -f "{{.State.Status}}" one
                        $VITRINE rm -f one
                        rmdir /sys/fs/cgroup/vitrine'
                    """)
            #expect(
                output.text == "0::/\nread-only\nprivate\none\npaused\none\n", "\(output.errors)")
        }
    }

    /// The threads that serve its view come before others; what runs on the view does not.
    @Test func `a container has its caller's priority`() throws {
        try withContainers { program in
            // proc(5): the nineteenth field is the niceness.
            let show = "busybox cut -d \" \" -f 19 /proc/self/stat"
            #expect(try run(program, show) == "0\n")
            try program.write("FROM base\nRUN \(show) > /priority\n", to: "context/Dockerfile")
            let built = try program.run(shell: "$VITRINE build -t app context")
            #expect(built.status == 0, "\(built.errors)")
            #expect(try program.run(shell: "$VITRINE cp app:/priority - | tar -xO").text == "0\n")
        }
    }

    @Test func `the kernel's switches are out of reach, and what shows the host is hidden`() throws
    {
        try withContainers { program in
            let writing = """
                for file in /proc/sysrq-trigger /proc/sys/kernel/core_pattern /proc/sys/vm/drop_caches \
                    /proc/irq/default_smp_affinity /sys/kernel/mm/transparent_hugepage/enabled \
                    /sys/fs/cgroup/*/tasks /sys/fs/cgroup/devices/devices.allow \
                    /proc/kcore /proc/keys; do
                    (cat < /dev/null >> "$file") 2> /dev/null && echo "open $file"
                done
                cat /proc/keys /proc/timer_list /proc/interrupts /proc/kcore 2> /dev/null
                busybox ls /sys/firmware /proc/acpi /proc/scsi 2> /dev/null | busybox grep -v :
                """
            let groups = "busybox mkdir /sys/fs/cgroup/x /sys/fs/cgroup/*/x 2> /dev/null; echo $?"
            #expect(try run(program, groups) == "1\n")
            #expect(
                try run(program, "busybox grep -c '/sys/fs/cgroup.* rw,' /proc/mounts") == "0\n")
            // An empty one stands for a file that is hidden: writing to it does nothing.
            let seen = try run(program, writing).split(separator: "\n")
                .filter { !["open /proc/keys", "open /proc/kcore", ""].contains($0) }
            #expect(seen.isEmpty, "\(seen)")
            let status = try run(program, "cat /proc/self/status")
            // Docker's fourteen.
            #expect(status.contains("CapEff:\t00000000a80425fb"))
            #expect(status.contains("CapBnd:\t00000000a80425fb"))
            #expect(status.contains("CapAmb:\t0000000000000000"))
            #expect(status.contains("Seccomp:\t2"))
            let asUser = try run(
                program, options: ["-u", "1000", "--security-opt", "no-new-privileges"],
                "cat /proc/self/status")
            #expect(asUser.contains("CapEff:\t0000000000000000"))
            #expect(asUser.contains("NoNewPrivs:\t1"))
        }
    }

    @Test func `nodes of devices can be made, and not be opened`() throws {
        try withContainers { program in
            let disks = try program.run(
                shell: "awk 'NR > 2 { print $1, $2; exit }' /proc/partitions")
            let disk = disks.text.trimmingCharacters(in: .newlines)
            let script = """
                busybox mknod /disk b \(disk) && busybox mknod /dev/disk b \(disk) && busybox mknod /v/disk b \(disk) || exit 1
                busybox mknod /memory c 1 1 && busybox mknod /kmsg c 1 11 && busybox mknod /none c 1 3 || exit 1
                for node in /disk /dev/disk /v/disk /memory /kmsg; do
                    (: < $node) 2> /dev/null && echo "open $node"
                done
                echo x > /none && echo usable
                """
            #expect(try run(program, options: ["-v", "nodes:/v"], script) == "usable\n")
            // Nor those that an image brings, nor without the capability.
            #expect(
                try run(
                    program, options: ["--cap-drop", "MKNOD"],
                    "busybox mknod /disk b \(disk) || echo refused"
                ).contains("refused"))
            _ = try program.run(
                "run", "--network=none", "--name", "nodes", "base", "sh", "-c", script)
            try program.run("commit", "nodes", "nodes")
            let brought = try program.run(
                "run", "--rm", "--network=none", "nodes", "sh", "-c", ": < /disk")
            #expect(brought.status != 0)
            #expect(brought.errors.contains("Operation not permitted"))
        }
    }

    @Test func `processes and memory end at their limits, and the end is told`() throws {
        try withContainers { program in
            let many = try run(
                program, options: ["--pids-limit", "20"],
                "for i in $(seq 100); do sleep 5 & done 2>&1 | busybox head -n 1; kill -9 -1")
            #expect(many.contains("fork"), "\(many)")
            let bomb = try program.run(
                "run", "--network=none", "--name", "bomb", "-m", "32m", "base", "sh", "-c",
                "busybox tail /dev/zero")
            #expect(bomb.status == 137)
            #expect(
                try program.run("inspect", "-f", "{{.State.OOMKilled}} {{.State.ExitCode}}", "bomb")
                    .text == "true 137\n")
            #expect(try program.names(in: "store/run") == [])
        }
    }
}
