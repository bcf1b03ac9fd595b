internal import CFuse
internal import VirtualFS

/// Decodes what libfuse hands to a callback.
enum Call {
    /// Answers with a method of the serving thread.
    static func serve(
        _ request: fuse_req_t?, _ method: (Worker, consuming Reply) -> Void
    ) {
        guard let request = unsafe request else { return }
        let reply = unsafe Reply(request)
        guard let worker = Worker.current else { return }
        method(worker, reply)
    }

    static func bytes(_ name: UnsafePointer<CChar>?) -> [UInt8] {
        guard let name = unsafe name else { return [] }
        return unsafe Array(UnsafeRawBufferPointer(start: name, count: strlen(name)))
    }

    static func context(_ request: fuse_req_t?) -> RequestContext {
        guard let context = unsafe fuse_req_ctx(request) else { return RequestContext() }
        return unsafe RequestContext(
            userID: context.pointee.uid, groupID: context.pointee.gid)
    }

    static func creation(
        _ request: fuse_req_t?, in parent: fuse_ino_t, _ name: UnsafePointer<CChar>?,
        mode: UInt32, device: UInt64 = 0
    ) -> NodeCreation {
        let umask = unsafe fuse_req_ctx(request)?.pointee.umask ?? 0
        return unsafe NodeCreation(
            place: DirectoryPlace(parent: InodeNumber(parent), name: bytes(name)), mode: mode,
            umask: umask, device: device, context: context(request))
    }

    static func handle(_ info: UnsafeMutablePointer<fuse_file_info>?) -> FileHandle? {
        guard let info = unsafe info else { return nil }
        return unsafe FileHandle(info.pointee.fh)
    }

    static func flags(_ info: UnsafeMutablePointer<fuse_file_info>?) -> OpenFlags {
        OpenFlags(rawValue: unsafe info?.pointee.flags ?? 0)
    }
}
