internal import Glibc
internal import LinuxIO
internal import Store

/// Starts this program again as the small process that owns a mount, and waits until the mount is
/// there.
package enum BackgroundMount {
    /// The descriptor on which the new process tells how it went: `+`, or an error's text after `-`, or
    /// `!` for a container that is in use.
    package static let readyDescriptor: Int32 = 3

    /// - Parameter arguments: for the new process; they must make it serve in the foreground and
    ///   report.
    /// - Throws: ``EngineError`` with the new process's own words.
    package static func start(arguments: [String], environment: [String]) throws {
        let pipe = try ChildProcess.Pipe()
        let nothing = try OwnedDescriptor(opening: "/dev/null", .writeOnly)
        var request = ChildProcess.Request(
            program: programPath, arguments: arguments, environment: environment,
            directory: "/", standardOutput: nothing.rawValue, standardError: STDERR_FILENO)
        request.furtherDescriptors = [pipe.writing.rawValue]
        request.group = .session
        _ = try ChildProcess.startDetached(request)
        let reader = pipe.keepReading()
        let answer = try DescriptorIO.readAll(reader.rawValue, limit: 1 << 16)
        if answer == [UInt8(ascii: "+")] { return }
        let text = String(decoding: answer.dropFirst(), as: UTF8.self)
        throw EngineError(
            answer.first == UInt8(ascii: "!") ? .inUse : .failed,
            text.isEmpty ? "the mounting process ended without a word" : text)
    }

    /// This program by its own name, which process lists show; by `/proc` where it was replaced.
    private static var programPath: String {
        let own = "/proc/self/exe"
        guard let path = try? HostDirectory.readLink(own),  // absent without /proc
            let (named, running) = try? (FileStatus(ofPath: path), FileStatus(ofPath: own)),
            named.inode == running.inode && named.device == running.device
        else { return own }
        return path
    }

    /// Tells the waiting process that the mount is there, or why not. From then on what this process
    /// prints goes to the log of the store at `root`.
    package static func report(_ failure: (any Error)?, root: String) {
        if failure == nil { log(to: StoreLayout(root: root).mountLog) }
        let text =
            failure.map { error in
                let mark = (error as? EngineError)?.code == .inUse ? "!" : "-"
                return "\(mark)\(error)"
            } ?? "+"
        try? DescriptorIO.writeAll(readyDescriptor, Array(text.utf8))  // nobody waits any more
        close(readyDescriptor)
    }

    private static func log(to path: String) {
        // Without a log it prints to nobody.
        let log =
            (try? OwnedDescriptor(
                opening: path, [.writeOnly, .create, .append], permissions: 0o600))
            ?? (try? OwnedDescriptor(opening: "/dev/null", .writeOnly))
        guard let log = consume log else { return }
        dup2(log.rawValue, STDOUT_FILENO)
        dup2(log.rawValue, STDERR_FILENO)
    }
}
