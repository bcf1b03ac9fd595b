internal import Glibc
internal import LinuxIO
internal import Store

/// Starts this program again as the small process that owns a mount, and waits until the mount is
/// there.
package enum BackgroundMount {
    /// The descriptor on which the new process tells how it went: `+` or the error's text.
    package static let readyDescriptor: Int32 = 3

    /// - Parameters:
    ///   - arguments: for the new process; they must make it serve in the foreground and report.
    ///   - root: the store's directory, which the new process makes if it is missing.
    /// - Throws: ``EngineError`` with the new process's own words.
    package static func start(
        arguments: [String], environment: [String], root: String
    ) throws {
        let pipe = try ChildProcess.Pipe()
        let logPath = StoreLayout(root: root).mountLog
        let log = try openLog(logPath)
        var request = ChildProcess.Request(
            program: "/proc/self/exe", arguments: arguments, environment: environment,
            directory: "/", standardOutput: log.rawValue, standardError: log.rawValue)
        request.furtherDescriptors = [pipe.writing.rawValue]
        request.group = .session
        _ = try ChildProcess.startDetached(request)
        let reader = pipe.keepReading()
        let answer = try DescriptorIO.readAll(reader.rawValue, limit: 1 << 16)
        if answer == [UInt8(ascii: "+")] { return }
        let text = String(decoding: answer, as: UTF8.self)
        throw EngineError(
            .failed, text.isEmpty ? "the mounting process ended without a word" : text,
            hint: text.isEmpty ? "\(logPath) may tell more" : nil)
    }

    /// Opens the file that takes what the new process prints later.
    private static func openLog(_ path: String) throws(EngineError) -> OwnedDescriptor {
        func open() throws(Errno) -> OwnedDescriptor {
            try OwnedDescriptor(
                opening: path, [.writeOnly, .create, .append], permissions: 0o600)
        }
        do throws(Errno) {
            do throws(Errno) { return try open() } catch .notFound {
                // A store that is not there yet.
                let directory = String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])
                try HostDirectory.makeAll(directory, permissions: 0o700)
                return try open()
            }
        } catch {
            throw EngineError(.failed, "could not open the log \(path): \(error)")
        }
    }

    /// Tells the waiting process that the mount is there, or why not.
    package static func report(_ failure: (any Error)?) {
        let text = failure.map { "\($0)" } ?? "+"
        try? DescriptorIO.writeAll(readyDescriptor, Array(text.utf8))  // nobody waits any more
        close(readyDescriptor)
    }
}
