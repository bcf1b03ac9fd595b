internal import CLinux
internal import Glibc

extension ChildProcess {
    /// The two ends of a pipe(7); neither is inherited.
    package struct Pipe: ~Copyable, Sendable {
        package let reading: OwnedDescriptor
        package let writing: OwnedDescriptor

        package init() throws(Errno) {
            var reading: Int32 = -1
            var writing: Int32 = -1
            guard unsafe vitrine_pipe(&reading, &writing) == 0 else { throw Errno.current }
            self.reading = OwnedDescriptor(adopting: reading)
            self.writing = OwnedDescriptor(adopting: writing)
        }

        /// Keeps the end that is read and closes the other, so that the end of the writers shows.
        package consuming func keepReading() -> OwnedDescriptor { reading }

        package consuming func keepWriting() -> OwnedDescriptor { writing }
    }
}
