internal import CFuse
internal import VirtualFS

/// libfuse's callbacks: each fetches the serving thread, decodes its arguments and calls one method.
///
/// What is left out answers `ENOSYS`: locks (the kernel keeps them), `access` (the kernel checks),
/// `poll`, `bmap`. Requests that libfuse 3.14 does not know (`STATX`, `COPY_FILE_RANGE_64`, …) get
/// `ENOSYS` from libfuse, after which the kernel asks in the older way. Splitting a request's memory off (`write_buf`) is left out since file
/// systems take bytes.
enum Operations {
    static func table(for profile: ConnectionProfile) -> fuse_lowlevel_ops {
        var table = fuse_lowlevel_ops()
        unsafe table.`init` = { context, info in
            guard let context = unsafe context, let info = unsafe info else { return }
            let connection = unsafe Unmanaged<Connection>.fromOpaque(context)
                .takeUnretainedValue()
            unsafe connection.configure(&info.pointee)
        }
        addNodes(to: &table)
        addFiles(to: &table)
        addDirectories(to: &table)
        addExtendedAttributes(to: &table)
        addControl(to: &table)
        if profile == .writable { addChanges(to: &table) }
        return table
    }

    private static func addNodes(to table: inout fuse_lowlevel_ops) {
        unsafe table.lookup = { request, parent, name in
            let name = unsafe Call.bytes(name)
            unsafe Call.serve(request) { $0.lookup(name, in: InodeNumber(parent), $1) }
        }
        unsafe table.forget = { request, inode, count in
            unsafe Call.serve(request) { $0.forget(InodeNumber(inode), count: count, $1) }
        }
        unsafe table.forget_multi = { request, count, forgets in
            unsafe Call.serve(request) { worker, reply in
                let forgets = unsafe UnsafeBufferPointer(start: forgets, count: count)
                unsafe worker.forget(forgets, reply)
            }
        }
        unsafe table.getattr = { request, inode, info in
            let handle = unsafe Call.handle(info)
            unsafe Call.serve(request) { $0.attributes(of: InodeNumber(inode), handle: handle, $1) }
        }
        unsafe table.readlink = { request, inode in
            unsafe Call.serve(request) { $0.readSymbolicLink(InodeNumber(inode), $1) }
        }
        unsafe table.statfs = { request, _ in
            unsafe Call.serve(request) { $0.statistics($1) }
        }
    }

    private static func addControl(to table: inout fuse_lowlevel_ops) {
        unsafe table.ioctl = { request, _, command, _, _, _, input, inputBytes, outputBytes in
            let input = unsafe UnsafeRawBufferPointer(start: input, count: inputBytes)
            unsafe Call.serve(request) {
                unsafe $0.control(command, input: input, outputBytes: outputBytes, $1)
            }
        }
    }

    private static func addFiles(to table: inout fuse_lowlevel_ops) {
        unsafe table.open = { request, inode, info in
            let flags = unsafe Call.flags(info)
            let context = unsafe Call.context(request)
            unsafe Call.serve(request) { $0.open(InodeNumber(inode), flags: flags, context, $1) }
        }
        unsafe table.read = { request, inode, size, offset, info in
            let handle = unsafe Call.handle(info)
            unsafe Call.serve(request) {
                $0.read(
                    InodeNumber(inode), handle: handle, offset: UInt64(offset), size: size, $1)
            }
        }
        unsafe table.flush = { request, inode, info in
            let handle = unsafe Call.handle(info)
            unsafe Call.serve(request) { $0.flush(InodeNumber(inode), handle: handle, $1) }
        }
        unsafe table.release = { request, inode, info in
            let handle = unsafe Call.handle(info)
            unsafe Call.serve(request) { $0.release(InodeNumber(inode), handle: handle, $1) }
        }
        unsafe table.fsync = { request, inode, dataOnly, info in
            let handle = unsafe Call.handle(info)
            unsafe Call.serve(request) {
                $0.synchronize(InodeNumber(inode), handle: handle, dataOnly: dataOnly != 0, $1)
            }
        }
        unsafe table.lseek = { request, inode, offset, whence, info in
            let handle = unsafe Call.handle(info)
            unsafe Call.serve(request) {
                $0.seek(
                    InodeNumber(inode), handle: handle, offset: UInt64(bitPattern: Int64(offset)),
                    whence: whence, $1)
            }
        }
    }

    private static func addDirectories(to table: inout fuse_lowlevel_ops) {
        unsafe table.opendir = { request, inode, _ in
            unsafe Call.serve(request) { $0.openDirectory(InodeNumber(inode), $1) }
        }
        unsafe table.readdir = { request, inode, size, offset, info in
            let handle = unsafe Call.handle(info)
            unsafe Call.serve(request) {
                $0.readDirectory(
                    InodeNumber(inode), handle: handle, offset: UInt64(bitPattern: Int64(offset)),
                    size: size, withAttributes: false, $1)
            }
        }
        unsafe table.readdirplus = { request, inode, size, offset, info in
            let handle = unsafe Call.handle(info)
            unsafe Call.serve(request) {
                $0.readDirectory(
                    InodeNumber(inode), handle: handle, offset: UInt64(bitPattern: Int64(offset)),
                    size: size, withAttributes: true, $1)
            }
        }
        unsafe table.releasedir = { request, inode, info in
            let handle = unsafe Call.handle(info)
            unsafe Call.serve(request) {
                $0.releaseDirectory(InodeNumber(inode), handle: handle, $1)
            }
        }
        unsafe table.fsyncdir = { request, inode, dataOnly, info in
            let handle = unsafe Call.handle(info)
            unsafe Call.serve(request) {
                $0.synchronizeDirectory(
                    InodeNumber(inode), handle: handle, dataOnly: dataOnly != 0, $1)
            }
        }
    }

    private static func addExtendedAttributes(to table: inout fuse_lowlevel_ops) {
        unsafe table.getxattr = { request, inode, name, size in
            let name = unsafe Call.bytes(name)
            unsafe Call.serve(request) {
                $0.extendedAttribute(name, of: InodeNumber(inode), limit: size, $1)
            }
        }
        unsafe table.listxattr = { request, inode, size in
            let context = unsafe Call.context(request)
            unsafe Call.serve(request) {
                $0.extendedAttributeNames(of: InodeNumber(inode), limit: size, context, $1)
            }
        }
        unsafe table.setxattr = { request, inode, _, _, _, _ in
            // Which structure the kernel sent is known here better than in libfuse.
            unsafe Call.serve(request) { $0.setExtendedAttribute(of: InodeNumber(inode), $1) }
        }
        unsafe table.removexattr = { request, inode, name in
            let name = unsafe Call.bytes(name)
            unsafe Call.serve(request) {
                $0.removeExtendedAttribute(name, of: InodeNumber(inode), $1)
            }
        }
    }
}
