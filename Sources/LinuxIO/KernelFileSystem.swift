internal import CLinux

/// File systems whose files are made up by the kernel while they are read: their sizes mean nothing,
/// some never end, and what is in them is of the running system.
package enum KernelFileSystem {
    /// By the numbers that statfs(2) lists and `linux/magic.h` has.
    private static let types: Set<UInt32> = [
        UInt32(PROC_SUPER_MAGIC), UInt32(SYSFS_MAGIC), UInt32(CGROUP_SUPER_MAGIC),
        UInt32(CGROUP2_SUPER_MAGIC), UInt32(DEVPTS_SUPER_MAGIC), UInt32(SECURITYFS_MAGIC),
        UInt32(DEBUGFS_MAGIC), UInt32(TRACEFS_MAGIC), UInt32(PSTOREFS_MAGIC), UInt32(NSFS_MAGIC),
        // Those that the header has not: bpf, mqueue, fusectl, configfs, binfmt_misc.
        0xCAFE_4A11, 0x1980_0202, 0x6573_5543, 0x6265_6570, 0x4249_4E4D,
    ]

    /// Whether what the descriptor stands for is in one.
    package static func holds(_ descriptor: Int32) throws(Errno) -> Bool {
        var type: UInt32 = 0
        try retrying { unsafe vitrine_file_system_type(descriptor, &type) }
        return types.contains(type)
    }
}
