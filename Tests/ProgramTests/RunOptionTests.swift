import Foundation
import Testing

/// Docker's rarer options of `run`, `create` and `update`.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct RunOptionTests {
    private func run(_ program: Program, _ arguments: [String]) throws -> Program.Output {
        try program.run(arguments: ["run", "--rm", "--network", "none"] + arguments)
    }

    /// Whether control groups are out of reach here, which a start then says.
    private func lacksGroups(_ output: Program.Output) -> Bool {
        output.status == 125 && output.errors.contains("control groups")
    }

    @Test func `a working directory that is a link to nothing is made, inside the container`()
        throws
    {
        try withContainers { program in
            let links =
                "ln -s /made/here /link; ln -s ../../\(program.directory)/out /opt; "
                + "ln -s not/yet rel"
            #expect(
                try program.run("run", "--name", "links", "base", "sh", "-c", links).status == 0)
            #expect(try program.run("commit", "links", "linked").status == 0)
            for (directory, place) in [
                ("/link", "/made/here"), ("/link/new", "/made/here/new"), ("/rel", "/not/yet"),
                ("/opt", "\(program.directory)/out"), ("/plain/new", "/plain/new"),
            ] {
                let output = try run(program, ["-w", directory, "linked", "sh", "-c", "pwd -P"])
                #expect(output.text == place + "\n", "\(output)")
            }
            #expect(try program.run(shell: "ls -d out").status != 0)
        }
    }

    @Test(
        arguments: [
            ("--link db:db", "--network container:db"), ("--link a:b:c", "bad format for links"),
            ("--ip 10.0.0.7", "user defined networks only"),
            ("--ip6 fd00::7", "user defined networks only"),
            ("--link-local-ip 169.254.1.1", "user defined networks only"),
            ("--network-alias web", "user-defined networks"),
            ("--isolation hyperv", "linux only supports 'default'"),
            ("--gpus all", "could not select device driver"),
            ("--storage-opt x", "invalid storage option"),
            ("--storage-opt size=1g", "no limit of their own"),
            ("--cpu-count 2", "Windows"), ("--cpu-percent 2", "Windows"),
            ("--io-maxiops 2", "Windows"), ("--io-maxbandwidth 2m", "Windows"),
            ("--use-api-socket", "no daemon"), ("--userns keep-id", "invalid USER mode"),
            ("--cgroupns mine", "invalid CGROUP mode"), ("--uts mine", "invalid UTS mode"),
            ("--memory-swappiness 101", "Valid memory swappiness range is 0-100"),
            ("--memory-swappiness -2", "Valid memory swappiness range is 0-100"),
            ("--oom-score-adj 1001", "range for oom score adj is [-1000, 1000]"),
            ("--blkio-weight 9", "Range of blkio weight is from 10 to 1000"),
            ("--blkio-weight-device sda:10", "bad format for device path"),
            ("--device-read-bps /dev/sda:x", "Unit is optional and can be kb, mb, or gb"),
            ("--device-write-iops /dev/sda:1m", "Number must be a positive integer"),
            ("--device-cgroup-rule c", "invalid device cgroup format 'c'"),
            ("--cgroup-parent /a/../b", "names no control group"),
            ("--annotation =b", "the empty string is not permitted"),
            ("--mac-address 1.2.3.4", "not a valid mac address"),
            ("--network none --mac-address 02:00:00:00:00:01", "mac-address and the network mode"),
            ("--volume-driver nfs", "plugin \"nfs\" not found"),
            ("--runtime nope", "unknown or invalid runtime name: nope"),
            ("--cpu-rt-period 9 --cpu-rt-runtime 10", "cannot be higher"),
            (
                "--cpus 1 --cpu-quota 5000",
                "Conflicting options: Nano CPUs and CPU Quota cannot both be set"
            ),
            (
                "--cpus 1 --cpu-period 5000",
                "Conflicting options: Nano CPUs and CPU Period cannot both be set"
            ),
        ])
    func `what cannot be is refused, and why is said`(_ options: String, _ why: String) throws {
        try withContainers { program in
            let words = options.split(separator: " ").map(String.init)
            let made = try program.run(arguments: ["create"] + words + ["base", "true"])
            #expect(made.status == 125, "\(made)")
            #expect(made.errors.contains(why), "\(made.errors)")
        }
    }

    @Test func `what means nothing here may be said`() throws {
        try withContainers { program in
            let ran = try run(
                program,
                [
                    "-q", "--disable-content-trust=false", "--isolation", "default", "--userns",
                    "host", "--volume-driver", "local", "--kernel-memory", "50m",
                    "--memory-swappiness=-1", "--cgroupns=", "--runtime=", "base", "echo", "ran",
                ])
            #expect(ran.text == "ran\n", "\(ran)")
            #expect(ran.errors.contains("kernel memory limit is deprecated"))
        }
    }

    @Test func `inspect has them in Docker's shape`() throws {
        try withContainers { program in
            let made = try program.run(
                "create", "--name", "one", "--annotation", "b=c=d", "--annotation", "a",
                "--oom-score-adj", "-5", "--cgroup-parent", "//batch/", "--cgroupns", "host",
                "--userns", "host", "--volume-driver", "local", "--device-cgroup-rule",
                "c 10:* rm", "--mac-address", "92-D0-C6-0A-29-33", "base", "true")
            #expect(made.status == 0, "\(made)")
            let format =
                "{{json .Annotations}} {{.OomScoreAdj}} {{.CgroupParent}} {{.CgroupnsMode}} "
                + "{{.UsernsMode}} {{.VolumeDriver}} {{json .DeviceCgroupRules}} "
                + "{{json .BlkioDeviceReadBps}} {{.BlkioWeight}} {{json .MemorySwappiness}} "
                + "{{.CpuRealtimePeriod}} {{json .DeviceRequests}} {{.IOMaximumIOps}}"
            let shown = try program.run(
                "inspect", "-f", "{{with .HostConfig}}\(format){{end}}", "one")
            #expect(
                shown.text == #"{"a":"","b":"c=d"} -5 /batch host host local ["c 10:* rm"] "#
                    + "[] 0 null 0 null 0\n", "\(shown)")
        }
    }

    @Test func `the kernel's score is the container's and that of who is executed in it`() throws {
        try withContainers { program in
            let started = try program.run(
                "run", "-d", "--network", "none", "--name", "one", "--oom-score-adj", "321",
                "base", "sleep", "1000")
            #expect(started.status == 0, "\(started.errors)")
            for process in ["1", "self"] {
                let score = try program.run(
                    "exec", "one", "cat", "/proc/\(process)/oom_score_adj")
                #expect(score.text == "321\n", "\(score)")
            }
        }
    }

    @Test func `an own control group is the root of those that are seen`() throws {
        try withContainers { program in
            let own = try run(
                program, ["--cgroupns", "private", "base", "cat", "/proc/self/cgroup"])
            #expect(own.status == 0, "\(own.errors)")
            let lines = own.text.split(separator: "\n")
            #expect(!lines.isEmpty && lines.allSatisfy { $0.hasSuffix(":/") }, "\(own.text)")
            let host = try run(program, ["--cgroupns", "host", "base", "cat", "/proc/self/cgroup"])
            #expect(host.status == 0, "\(host.errors)")
        }
    }

    @Test func `a group is below the one that was named`() throws {
        try withContainers { program in
            let name = "vitrine-test-\(UInt32.random(in: 0 ... .max))"
            defer { _ = try? program.run(shell: "rmdir /sys/fs/cgroup/{,*/}\(name)") }
            let ran = try run(
                program, ["--cgroup-parent", "/\(name)", "base", "cat", "/proc/1/cgroup"])
            if lacksGroups(ran) { return }
            #expect(ran.status == 0, "\(ran.errors)")
            #expect(ran.text.contains(":/\(name)/vitrine-"), "\(ran.text)")
        }
    }

    @Test func `a device may be used by a rule`() throws {
        try withContainers { program in
            // Of the host's that are there for sure, a container may not open this one.
            let script = "busybox mknod /dev/other c 10 229 && exec 3</dev/other"
            let without = try run(program, ["base", "sh", "-c", script])
            #expect(without.status != 0)
            let ran = try run(
                program, ["--device-cgroup-rule", "c 10:229 r", "base", "sh", "-c", script])
            if lacksGroups(ran) { return }
            #expect(ran.status == 0, "\(ran)")
        }
    }

    @Test func `limits of a device are for one that is there`() throws {
        try withContainers { program in
            let ran = try run(program, ["--device-read-bps", "/dev/null:1m", "base", "true"])
            if ran.errors.contains("discarded") { return }
            #expect(ran.status == 125)
            #expect(ran.errors.contains("\"/dev/null\" is no block device"), "\(ran.errors)")
        }
    }

    @Test(arguments: ["crun", "runc"])
    func `a container may have another runtime`(_ name: String) throws {
        try withContainers { program in
            let path = try program.run(shell: "PATH=$PATH:/usr/sbin:/sbin command -v \(name)").text
                .trimmingCharacters(in: .whitespacesAndNewlines)
            guard !path.isEmpty else { return }
            let started = try program.run(
                "run", "-d", "--network", "none", "--name", "one", "--runtime", name, "base",
                "sleep", "1000")
            #expect(started.status == 0, "\(started.errors)")
            #expect(
                try program.run("inspect", "-f", "{{.HostConfig.Runtime}}", "one").text
                    == "\(name)\n")
            #expect(try program.run("exec", "one", "echo", "in").text == "in\n")
            #expect(try program.run("stop", "-t", "0", "one").status == 0)
            // A program of another name that takes the same commands.
            let script = "cp \(path) ./other && echo $PWD/other"
            let other = try program.run(shell: script).text.trimmingCharacters(in: .newlines)
            let ran = try run(program, ["--runtime", other, "base", "echo", "ran"])
            #expect(ran.text == "ran\n", "\(ran)")
        }
    }

    @Test func `what is no runtime is told`() throws {
        try withContainers { program in
            let ran = try run(program, ["--runtime", "/bin/true", "base", "true"])
            #expect(ran.status == 125)
            #expect(ran.errors.contains("no OCI runtime works here"), "\(ran.errors)")
        }
    }

    @Test func `a runtime that a killed process used clears up after it`() throws {
        try withContainers { program in
            let path = try program.run(shell: "command -v runc || command -v crun").text
                .trimmingCharacters(in: .whitespacesAndNewlines)
            let script = "cp \(path) ./other && echo $PWD/other"
            let other = try program.run(shell: script).text.trimmingCharacters(in: .newlines)
            let started = try program.run(
                "run", "-d", "--network", "none", "--name", "one", "--runtime", other, "base",
                "sleep", "1000")
            #expect(started.status == 0, "\(started.errors)")
            let kill = """
                kill -9 $(head -n 1 store/locks/container-$($VITRINE inspect -f '{{.Id}}' one))
                """
            #expect(try program.run(shell: kill).status == 0)
            let again = try program.run("start", "one")
            #expect(again.status == 0, "\(again.errors)")
            #expect(try program.run("exec", "one", "echo", "in").text == "in\n")
        }
    }

    @Test(.enabled(if: hasPasta, "there is no pasta"))
    func `a network's interface has the address it was given`() throws {
        try withContainers { program in
            let ran = try program.run(
                "run", "--rm", "--mac-address", "92:d0:c6:0a:29:33", "base", "sh", "-c",
                "cat /sys/class/net/[!l]*/address")
            if ran.errors.contains("network") { return }
            #expect(ran.text == "92:d0:c6:0a:29:33\n", "\(ran)")
        }
    }

    private static let hasPasta = FileManager.default.fileExists(atPath: "/usr/bin/pasta")

    @Test func `what was set in one way is not updated in the other`() throws {
        try withContainers { program in
            #expect(
                try program.run("create", "--name", "whole", "--cpus", "1", "base", "true").status
                    == 0)
            #expect(
                try program.run(
                    "create", "--name", "parts", "--cpu-quota", "5000", "-m", "16m", "base", "true"
                ).status == 0)
            for (options, name, why) in [
                (["--cpu-quota", "5000"], "whole", "CPU Quota cannot be updated as NanoCPUs"),
                (["--cpu-period", "5000"], "whole", "CPU Period cannot be updated as NanoCPUs"),
                (["--cpus", "1"], "parts", "Nano CPUs cannot be updated as CPU Quota"),
                (["-m", "33m"], "parts", "update the memoryswap at the same time"),
            ] {
                let result = try program.run(arguments: ["update"] + options + [name])
                #expect(result.status == 1)
                #expect(result.errors.contains(why), "\(result.errors)")
            }
            let both = try program.run("update", "--cpus", "1", "--cpu-quota", "5000", "parts")
            #expect(both.errors.contains("Nano CPUs and CPU Quota cannot both be set"))
            for options in [
                ["-m", "33m", "--memory-swap", "64m"], ["-m", "17m"], ["--memory-swap", "-1"],
                ["--cpu-quota", "-1"], ["--blkio-weight", "0", "--cpu-shares", "5"],
            ] {
                let result = try program.run(arguments: ["update"] + options + ["parts"])
                #expect(result.text == "parts\n", "\(result)")
            }
            let shown = try program.run(
                "inspect", "-f",
                "{{with .HostConfig}}{{.Memory}} {{.MemorySwap}} {{.CpuQuota}}{{end}}", "parts")
            #expect(shown.text == "17825792 -1 -1\n", "\(shown)")
            let nothing = try program.run("update", "parts")
            #expect(nothing.errors.contains("you must provide one or more flags"))
        }
    }
}
