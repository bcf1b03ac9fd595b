import Testing

@testable import FuseDriver

@Suite struct MountTableTests {
    private static let text = """
        24 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw
        30 24 0:22 / /with\\040space\\134 rw - tmpfs none rw
        36 24 0:45 / /mnt rw,nosuid shared:7 master:2 - fuse.vitrine debian:bookworm rw,user_id=0
        37 36 0:46 / /mnt rw - fuse.vitrine other rw
        garbage
        38 x 0:46 / /bad rw - fuse a rw
        """

    @Test func `lines are parsed, with escapes and optional fields`() throws {
        let table = MountTable(parsing: Array(Self.text.utf8))
        #expect(table.entries.map(\.id) == [24, 30, 36, 37])
        #expect(table.entry(at: Array("/with space\\".utf8))?.id == 30)
        let fuse = table.entries[2]
        #expect(fuse.parentID == 24)
        #expect(fuse.device == MountTable.DeviceID(major: 0, minor: 45))
        #expect(fuse.type == Array("fuse.vitrine".utf8))
        #expect(fuse.source == Array("debian:bookworm".utf8))
    }

    @Test func `the topmost of several mounts at a path is found`() {
        let table = MountTable(parsing: Array(Self.text.utf8))
        #expect(table.entry(at: Array("/mnt".utf8))?.id == 37)
        #expect(table.entry(at: Array("/".utf8))?.id == 24)
        #expect(table.entry(at: Array("/mn".utf8)) == nil)
    }

    @Test func `the table of this process has a root`() {
        #expect(MountTable()?.entry(at: Array("/".utf8)) != nil)
        #expect(MountTable(process: Int32.max) == nil)
    }

    @Test func `mappings of one device are told by its number, each path once`() {
        let maps = """
            5000-6000 r--p 00000000 00:2d 12   /mnt/a b
            6000-7000 r-xp 00001000 00:2d 12   /mnt/a b
            7000-8000 r--p 00000000 00:2e 12   /other
            8000-9000 rw-p 00000000 00:00 0
            9000-a000 rw-p 00000000 00:2d 13   /mnt/gone (deleted)
            """
        let device = MountTable.DeviceID(major: 0, minor: 0x2d)
        #expect(
            MountHolders.mappings(of: device, in: Array(maps.utf8)) == [
                .mapping(path: Array("/mnt/a b".utf8)),
                .mapping(path: Array("/mnt/gone (deleted)".utf8)),
            ])
    }

    @Test func `options for fusermount3 are escaped and complete`() {
        var options = MountOptions(source: "a,b\\c")
        options.access = .everyone
        options.isReadOnly = true
        options.allowsExecution = false
        #expect(
            Mounter.helperOptions(options)
                == "ro,nosuid,nodev,default_permissions,fsname=a\\,b\\\\c,subtype=vitrine"
                + ",noexec,noatime,allow_other")
    }

    @Test func `an error tells what, why, who and what helps`() {
        let error = FuseError(
            .busy, "unmounting /mnt", remedy: "leave it", errno: 16, holders: MountHolders())
        #expect(error.description == "unmounting /mnt: Device or resource busy\nleave it")
    }
}
