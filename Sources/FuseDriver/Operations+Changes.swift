internal import CFuse
internal import VirtualFS

// The callbacks that change something; a read-only connection has none of them.

extension Operations {
    static func addChanges(to table: inout fuse_lowlevel_ops) {
        addNames(to: &table)
        unsafe table.setattr = { request, inode, attributes, mask, info in
            guard let attributes = unsafe attributes else { return }
            var changes = unsafe AttributeChanges(attributes.pointee, mask: mask)
            changes.context = unsafe Call.context(request)
            let handle = unsafe Call.handle(info)
            unsafe Call.serve(request) {
                $0.setAttributes(of: InodeNumber(inode), handle: handle, to: changes, $1)
            }
        }
        unsafe table.create = { request, parent, name, mode, info in
            // TMPFILE comes this way too, see ``RequestBuffer/disguise()``.
            let creation = unsafe Call.creation(request, in: parent, name, mode: mode)
            let flags = unsafe Call.flags(info)
            unsafe Call.serve(request) { $0.create(creation, flags: flags, $1) }
        }
        unsafe table.write = { request, inode, data, size, offset, info in
            guard let info = unsafe info else { return }
            let handle = unsafe FileHandle(info.pointee.fh)
            let bytes = unsafe UnsafeRawBufferPointer(start: data, count: size)
            unsafe Call.serve(request) {
                unsafe $0.write(
                    InodeNumber(inode), handle: handle, offset: UInt64(offset), data: bytes, $1)
            }
        }
        unsafe table.fallocate = { request, inode, mode, offset, length, info in
            guard let info = unsafe info else { return }
            let handle = unsafe FileHandle(info.pointee.fh)
            let context = unsafe Call.context(request)
            unsafe Call.serve(request) {
                $0.allocate(
                    InodeNumber(inode), handle: handle, mode: mode, offset: UInt64(offset),
                    length: UInt64(length), context, $1)
            }
        }
        unsafe table.copy_file_range = {
            request, inode, offset, info, target, targetOffset, targetInfo, length, _ in
            guard let info = unsafe info, let targetInfo = unsafe targetInfo else { return }
            let from = unsafe FileRange(
                inode: InodeNumber(inode), handle: FileHandle(info.pointee.fh),
                offset: UInt64(offset))
            let to = unsafe FileRange(
                inode: InodeNumber(target), handle: FileHandle(targetInfo.pointee.fh),
                offset: UInt64(targetOffset))
            let context = unsafe Call.context(request)
            unsafe Call.serve(request) {
                $0.copyRange(from: from, to: to, length: UInt64(length), context, $1)
            }
        }
    }

    private static func addNames(to table: inout fuse_lowlevel_ops) {
        unsafe table.mknod = { request, parent, name, mode, device in
            let creation = unsafe Call.creation(
                request, in: parent, name, mode: mode, device: UInt64(device))
            unsafe Call.serve(request) { $0.makeNode(creation, $1) }
        }
        unsafe table.mkdir = { request, parent, name, mode in
            let creation = unsafe Call.creation(request, in: parent, name, mode: mode)
            unsafe Call.serve(request) { $0.makeDirectory(creation, $1) }
        }
        unsafe table.symlink = { request, target, parent, name in
            let creation = unsafe Call.creation(request, in: parent, name, mode: 0o120777)
            let target = unsafe Call.bytes(target)
            unsafe Call.serve(request) { $0.makeSymbolicLink(creation, target: target, $1) }
        }
        unsafe table.link = { request, inode, parent, name in
            let place = unsafe DirectoryPlace(parent: InodeNumber(parent), name: Call.bytes(name))
            unsafe Call.serve(request) { $0.link(InodeNumber(inode), to: place, $1) }
        }
        unsafe table.unlink = { request, parent, name in
            let name = unsafe Call.bytes(name)
            unsafe Call.serve(request) { $0.unlink(name, in: InodeNumber(parent), $1) }
        }
        unsafe table.rmdir = { request, parent, name in
            let name = unsafe Call.bytes(name)
            unsafe Call.serve(request) { $0.removeDirectory(name, in: InodeNumber(parent), $1) }
        }
        unsafe table.rename = { request, parent, name, newParent, newName, flags in
            let source = unsafe DirectoryPlace(parent: InodeNumber(parent), name: Call.bytes(name))
            let target = unsafe DirectoryPlace(
                parent: InodeNumber(newParent), name: Call.bytes(newName))
            let context = unsafe Call.context(request)
            unsafe Call.serve(request) {
                $0.rename(source, to: target, flags: flags, context, $1)
            }
        }
    }
}
