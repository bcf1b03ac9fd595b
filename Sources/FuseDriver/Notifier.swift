internal import CFuse
internal import Synchronization
internal import VirtualFS

/// Counts notifications under way, so that a connection ends only after them.
struct NotificationGate {
    var isOpen = true
    var underWay = 0
}

/// Tells the kernel what to forget, over one connection; does nothing once that has ended.
struct Notifier: KernelNotifier {
    let connection: Connection

    func invalidateEntry(_ name: [UInt8], in parent: InodeNumber) {
        unsafe connection.notify { session in
            unsafe name.withCString { name in
                _ = unsafe fuse_lowlevel_notify_inval_entry(
                    session, parent.rawValue, name, strlen(name))
            }
        }
    }

    var isCallerKilled: Bool { Worker.current?.isCallerKilled ?? false }

    func invalidateInode(_ inode: InodeNumber) {
        // From offset 0, of any length: attributes and all pages.
        unsafe connection.notify { session in
            _ = unsafe fuse_lowlevel_notify_inval_inode(session, inode.rawValue, 0, 0)
        }
    }
}
