internal import CLinux
internal import Glibc

extension ChildProcess {
    /// What a program printed, and how it ended.
    package struct Output: Sendable {
        package let exit: Exit
        package let standardOutput: [UInt8]
        package let standardError: [UInt8]
    }

    /// An unnamed file in memory for what a program prints.
    ///
    /// Unlike a pipe it never makes the program wait for a reader; meant for those that print little.
    package struct Capture: ~Copyable, Sendable {
        private let file: OwnedDescriptor

        package init() throws(Errno) {
            file = try OwnedDescriptor(anonymous: "output")
        }

        /// Valid while the capture lives.
        package var descriptor: Int32 { file.rawValue }

        /// The first `limit` bytes that were printed.
        package func content(limit: Int = 1 << 20) -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: limit)
            let count = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe pread(file.rawValue, buffer.baseAddress, buffer.count, 0)
            }
            return Array(bytes.prefix(max(0, count)))
        }
    }

    /// What a program that goes on running says, as far as a pipe takes it; more is dropped.
    ///
    /// Nobody has to read it: it neither makes the program wait nor grows.
    package struct Messages: ~Copyable, Sendable {
        private let pipe: Pipe

        package init() throws(Errno) {
            let pipe = try Pipe()
            for end in [pipe.reading.rawValue, pipe.writing.rawValue] {
                try retrying { vitrine_fcntl(end, F_SETFL, O_NONBLOCK) }
            }
            self.pipe = pipe
        }

        /// Valid while the messages live, as the program's writing has to be.
        package var descriptor: Int32 { pipe.writing.rawValue }

        /// What was said since this was asked last, at most 64 KiB.
        package func content() -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: 1 << 16)
            let count = (try? DescriptorIO.read(pipe.reading.rawValue, into: &bytes)) ?? 0
            return Array(bytes.prefix(count))
        }
    }

    /// Runs a program to its end and collects what it prints, up to `limit` bytes of each stream.
    /// - Throws: the step of the start that failed.
    package static func output(
        of request: Request, limit: Int = 1 << 20
    ) throws(StartError) -> Output {
        func capture() throws(StartError) -> Capture {
            do throws(Errno) {
                return try Capture()
            } catch {
                throw StartError(step: .descriptors, errno: error, subject: request.program)
            }
        }
        let output = try capture()
        let error = try capture()
        var request = request
        request.standardOutput = output.descriptor
        request.standardError = error.descriptor
        let exit = try start(request).wait()
        return Output(
            exit: exit, standardOutput: output.content(limit: limit),
            standardError: error.content(limit: limit))
    }
}
