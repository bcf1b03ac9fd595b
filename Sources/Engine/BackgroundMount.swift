internal import Glibc
internal import LinuxIO

/// Starts this program again as the small process that owns a mount, and waits until the mount is
/// there.
package enum BackgroundMount {
    /// The descriptor on which the new process tells how it went: `+` or the error's text.
    package static let readyDescriptor: Int32 = 3

    /// - Parameters:
    ///   - arguments: for the new process; they must make it serve in the foreground and report.
    ///   - logPath: takes what it prints later.
    /// - Throws: ``EngineError`` with the new process's own words.
    package static func start(
        arguments: [String], environment: [String], logPath: String
    ) throws {
        let pipe = try ChildProcess.Pipe()
        let log = try OwnedDescriptor(
            opening: logPath, [.writeOnly, .create, .append], permissions: 0o600)
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

    /// Tells the waiting process that the mount is there, or why not.
    package static func report(_ failure: (any Error)?) {
        let text = failure.map { "\($0)" } ?? "+"
        try? DescriptorIO.writeAll(readyDescriptor, Array(text.utf8))  // nobody waits any more
        close(readyDescriptor)
    }
}
