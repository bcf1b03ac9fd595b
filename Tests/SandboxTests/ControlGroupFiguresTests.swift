import LinuxIO
import Testing

@testable import Sandbox

@Suite struct ControlGroupFiguresTests {
    @Test func `groups of both versions are found`() {
        let mounts = """
            30 23 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
            31 23 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
            32 23 0:28 /docker/x /cg/memory rw,nosuid master:3 - cgroup cgroup rw,memory
            """
        let groups = ControlGroups(
            membership: """
                3:memory:/docker/x/y
                2:cpu,cpuacct:/a
                1:pids:/a
                0::/../b
                """, mounts: mounts)
        #expect(
            groups.directories == [
                "memory": "/cg/memory/y", "cpu": "/sys/fs/cgroup/cpu,cpuacct/a",
                "cpuacct": "/sys/fs/cgroup/cpu,cpuacct/a",
            ])
    }

    @Test func `transfers and traffic are summed up`() {
        let first = ControlGroupFigures.firstTransfer(
            "8:0 Read 10\n8:0 Write 5\n8:16 Read 1\n8:0 Total 99\nTotal 99\n")
        #expect(first.read == 11 && first.written == 5)
        let second = ControlGroupFigures.secondTransfer(
            "8:0 rbytes=10 wbytes=5 rios=1\n8:16 rbytes=1 wbytes=0\n")
        #expect(second.read == 11 && second.written == 5)
        let traffic = ControlGroupFigures.traffic(
            """
            Inter-|   Receive
             face |bytes
                lo: 100 1 0 0 0 0 0 0 100 1 0 0 0 0 0 0
              eth0: 7 1 0 0 0 0 0 0 9 1 0 0 0 0 0 0
            """)
        #expect(traffic.received == 7 && traffic.sent == 9)
    }

    @Test func `a process that is not there has none`() {
        #expect(ControlGroupFigures(of: 0) == nil)
        #expect(ControlGroupFigures(of: .max) == nil)
    }
}
