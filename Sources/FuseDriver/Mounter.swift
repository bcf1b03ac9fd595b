internal import CFuse
internal import Glibc

/// Makes and removes mounts: by mount(2) and umount2(2) where the caller may, else by fusermount3.
enum Mounter {
    /// Checks the mount point, opens the device and mounts.
    /// - Parameter mountPoint: absolute and resolved.
    static func mount(
        at mountPoint: [UInt8], options: MountOptions
    ) throws(FuseError) -> OwnedDescriptor {
        try checkMountPoint(mountPoint, options: options)
        if geteuid() == 0, !options.usesHelper,
            let device = try mountDirectly(at: mountPoint, options: options)
        {
            return device
        }
        // The helper opens the device as the caller, and says less when it cannot.
        _ = try openDevice()
        do throws(FuseError) {
            return try MountHelper.mount(at: mountPoint, options: helperOptions(options))
        } catch {
            guard error.code == .failed, MountAbility.current == .missingCapability else {
                throw error
            }
            throw FuseError(
                .permissionDenied, "mounting on \(mountPoint.displayed)",
                remedy: MountAbility.capabilityRemedy, errno: EPERM)
        }
    }

    /// Makes a path absolute and free of symbolic links, as the mount table spells it.
    static func resolve(_ path: [UInt8]) throws(FuseError) -> [UInt8] {
        guard let resolved = unsafe path.withCString({ unsafe realpath($0, nil) }) else {
            let reason = errno
            throw FuseError(
                reason == ENOENT ? .mountPointMissing : .failed,
                "resolving the mount point \(path.displayed)",
                remedy: reason == ENOENT ? "create the directory first" : nil, errno: reason)
        }
        defer { unsafe free(resolved) }
        return unsafe Array(UnsafeRawBufferPointer(start: resolved, count: strlen(resolved)))
    }

    enum UnmountMode {
        /// Fails when busy.
        case whenUnused
        /// Takes the mount out of sight; it ends with its last user.
        case lazily
        /// Ends the connection: who uses the mount gets errors. Privileged.
        case byForce
    }

    /// - Parameter findsHolders: whether an error with code `busy` names the holders, which takes
    ///   a walk through /proc.
    /// - Throws: code `busy`, `notMounted`, `mountHelperMissing` or `failed`.
    static func unmount(
        _ mountPoint: [UInt8], _ mode: UnmountMode, findsHolders: Bool = true
    ) throws(FuseError) {
        let detach = Int32(MNT_DETACH)
        let flags =
            switch mode {
            case .whenUnused: Int32(0)
            case .lazily: detach
            case .byForce: detach | Int32(MNT_FORCE)
            }
        let noFollow = Int32(UMOUNT_NOFOLLOW)
        guard unsafe mountPoint.withCString({ unsafe umount2($0, flags | noFollow) }) != 0 else {
            return
        }
        let reason = errno
        let doing = "unmounting \(mountPoint.displayed)"
        switch reason {
        case EBUSY: throw busy(mountPoint, findsHolders ? .find(mountPoint: mountPoint) : nil)
        case EINVAL, ENOENT: throw FuseError(.notMounted, doing, errno: reason)
        case EPERM: break
        default: throw FuseError(.failed, doing, errno: reason)
        }
        do throws(FuseError) {
            try MountHelper.unmount(mountPoint, lazily: mode != .whenUnused)
        } catch {
            guard error.code == .failed else { throw error }
            guard MountTable()?.entry(at: mountPoint) != nil else {
                throw FuseError(.notMounted, doing, errno: EINVAL)
            }
            guard findsHolders else { throw busy(mountPoint, nil) }
            let holders = MountHolders.find(mountPoint: mountPoint)
            throw holders.isEmpty ? error : busy(mountPoint, holders)
        }
    }

    private static func busy(_ mountPoint: [UInt8], _ holders: MountHolders?) -> FuseError {
        FuseError(
            .busy, "unmounting \(mountPoint.displayed)",
            remedy: "end or leave what uses it, or unmount it lazily", errno: EBUSY,
            holders: holders)
    }

    private static func checkMountPoint(
        _ mountPoint: [UInt8], options: MountOptions
    ) throws(FuseError) {
        let shown = mountPoint.displayed
        switch MountPointState(at: mountPoint) {
        case .notMounted, .live: break
        case .stale where options.replacesStaleMount: try unmount(mountPoint, .lazily)
        case .stale, .unresponsive:
            throw FuseError(
                .mountPointStale, "mounting on \(shown), where a mount is that does not answer",
                remedy: "unmount it first: umount -l \(shown)", errno: ENOTCONN)
        }
        var status = stat()
        guard unsafe mountPoint.withCString({ unsafe stat($0, &status) }) == 0 else {
            throw FuseError(.mountPointMissing, "mounting on \(shown)", errno: errno)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw FuseError(
                .mountPointNotDirectory, "mounting on \(shown)", errno: ENOTDIR)
        }
        guard options.hidesContents || ProcFile.names(in: mountPoint)?.isEmpty ?? true else {
            throw FuseError(
                .mountPointNotEmpty, "mounting on \(shown), which would hide what it contains",
                remedy: "choose an empty directory", errno: ENOTEMPTY)
        }
    }

    /// - Returns: nil when mount(2) is not permitted here.
    private static func mountDirectly(
        at mountPoint: [UInt8], options: MountOptions
    ) throws(FuseError) -> OwnedDescriptor? {
        let device = try openDevice()
        var flags: UInt = 0
        if options.isReadOnly { flags |= UInt(MS_RDONLY) }
        if !options.allowsSetID { flags |= UInt(MS_NOSUID) }
        if !options.allowsDevices { flags |= UInt(MS_NODEV) }
        if !options.allowsExecution { flags |= UInt(MS_NOEXEC) }
        if !options.updatesAccessTimes { flags |= UInt(MS_NOATIME) }
        var data =
            "fd=\(device.rawValue),rootmode=40000,user_id=\(getuid())"
            + ",group_id=\(getgid()),default_permissions"
        if options.access != .ownerOnly { data += ",allow_other" }
        let result = unsafe mountPoint.withCString { target in
            unsafe Glibc.mount(
                options.source, target, "fuse.\(options.subtype)", flags, data)
        }
        if result == 0 { return device }
        let reason = errno
        if reason == EPERM { return nil }
        throw FuseError(.failed, "mounting on \(mountPoint.displayed)", errno: reason)
    }

    /// Lets the kernel read ahead so far in one go: its own 128 KiB cost a round trip each. Best
    /// effort, since only root may.
    static func setReadAhead(of device: MountTable.DeviceID, bytes: Int) {
        let setting = "/sys/class/bdi/\(device.major):\(device.minor)/read_ahead_kb"
        let raw = unsafe open(setting, O_WRONLY | O_CLOEXEC)
        guard raw >= 0 else { return }
        let descriptor = OwnedDescriptor(adopting: raw)
        let text = Array("\(bytes / 1024)".utf8)
        unsafe text.withUnsafeBytes { bytes in
            _ = unsafe write(descriptor.rawValue, bytes.baseAddress, bytes.count)
        }
    }

    private static func openDevice() throws(FuseError) -> OwnedDescriptor {
        let raw = unsafe open("/dev/fuse", O_RDWR | O_CLOEXEC)
        guard raw < 0 else { return OwnedDescriptor(adopting: raw) }
        let reason = errno
        switch reason {
        case ENOENT, ENODEV, ENXIO:
            throw FuseError(
                .deviceMissing, "opening /dev/fuse",
                remedy: "load the driver (modprobe fuse); in a container, pass the device in",
                errno: reason)
        default:
            throw FuseError(
                .permissionDenied, "opening /dev/fuse",
                remedy: "it is usually open to everyone: chmod 666 /dev/fuse", errno: reason)
        }
    }

    /// The options as fusermount3 reads them: `,` and `\` in a value are escaped.
    static func helperOptions(_ options: MountOptions) -> String {
        func escaped(_ value: String) -> String {
            value.reduce(into: "") { text, character in
                if character == "," || character == "\\" { text.append("\\") }
                text.append(character)
            }
        }
        var parts = [
            options.isReadOnly ? "ro" : "rw", "nosuid", "nodev", "default_permissions",
            "fsname=\(escaped(options.source))", "subtype=\(escaped(options.subtype))",
        ]
        if !options.allowsExecution { parts.append("noexec") }
        if !options.updatesAccessTimes { parts.append("noatime") }
        switch options.access {
        case .everyone: parts.append("allow_other")
        case .everyoneIfAllowed where mayAllowOthers(): parts.append("allow_other")
        case .everyoneIfAllowed, .ownerOnly: break
        }
        return parts.joined(separator: ",")
    }

    /// Whether /etc/fuse.conf has a line `user_allow_other`, or the caller needs none.
    private static func mayAllowOthers() -> Bool {
        guard geteuid() != 0 else { return true }
        let text = ProcFile.contents(Array("/etc/fuse.conf".utf8)) ?? []
        return text.split(separator: UInt8(ascii: "\n")).contains { line in
            line.filter { $0 != 0x20 && $0 != 0x09 }.elementsEqual("user_allow_other".utf8)
        }
    }
}
