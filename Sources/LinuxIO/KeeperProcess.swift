internal import CLinux
internal import Glibc

/// A small process that ends what this one left running, should it be killed.
///
/// It waits at a pipe that only this process holds open. When it is let go of, it tells the process that
/// all is in order; if the pipe ends without that, it runs a program for each name in a directory. Thread-safe.
package final class KeeperProcess: Sendable {
    private let processID: Int32
    private let lifeline: OwnedDescriptor
    /// Held here too: without a reader, a write would be a signal for this process.
    private let farEnd: OwnedDescriptor

    /// - Parameters:
    ///   - directory: absolute; names that begin with a dot do not count.
    ///   - request: what to run, with a name of the directory in the place of the last argument.
    /// - Throws: `arguments` for a NUL, `clone`, `descriptors`.
    package init(
        directory: String, running request: ChildProcess.Request
    ) throws(ChildProcess.StartError) {
        typealias Failure = ChildProcess.StartError
        var request = request
        request.arguments.append("")
        let strings = [request.program, directory] + request.arguments + request.environment
        guard !strings.contains(where: { $0.utf8.contains(0) }) else {
            throw Failure(step: .arguments, errno: .invalidArgument, subject: request.program)
        }
        do throws(Errno) {
            let pipe = try ChildProcess.Pipe()
            farEnd = try pipe.reading.duplicate()
            lifeline = pipe.keepWriting()
        } catch {
            throw Failure(step: .descriptors, errno: error, subject: request.program)
        }
        let (end, index) = (farEnd.rawValue, request.arguments.count)
        processID = unsafe request.withCRequest { request in
            unsafe vitrine_keeper_start(end, directory, request, index)
        }
        guard processID >= 0 else {
            throw Failure(step: .clone, errno: Errno.current, subject: request.program)
        }
    }

    deinit {
        // Its end is what is wanted; one that was killed is gone already.
        try? DescriptorIO.writeAll(lifeline.rawValue, [0])
        while waitpid(processID, nil, 0) < 0, errno == EINTR {}
    }
}
