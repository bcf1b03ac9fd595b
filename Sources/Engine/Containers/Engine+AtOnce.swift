internal import LinuxIO
package import Store
internal import Synchronization

extension Engine {
    /// Docker's number: each takes a thread, which waits.
    private static let maximumAtOnce = 50

    /// Does the same to several containers at once: one that takes long keeps no other waiting.
    /// - Returns: for each name what went wrong; nil where it is done.
    package func atOnce(
        _ names: [String], _ body: @escaping @Sendable (ContainerRecord) throws -> Void
    ) -> [(any Error)?] {
        let next = Mutex(0)
        let failures = Mutex<[Int: any Error]>([:])
        let work: @Sendable () -> Void = { [self] in
            while true {
                let place = next.withLock { place in
                    defer { place += 1 }
                    return place
                }
                guard place < names.count else { return }
                do {
                    try body(try container(names[place]))
                } catch {
                    failures.withLock { $0[place] = error }
                }
            }
        }
        var threads: [BlockingThread] = []
        for _ in 1..<max(1, min(names.count, Self.maximumAtOnce)) {
            // Without a further thread the others do it, one after the other.
            guard let thread = try? BlockingThread(work) else { break }
            threads.append(thread)
        }
        work()
        for thread in threads { thread.join() }
        return failures.withLock { failures in names.indices.map { failures[$0] } }
    }
}
