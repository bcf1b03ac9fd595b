internal import Glibc

/// A descriptor that is waited for, and what came of it (poll(2)).
package struct DescriptorWait: Sendable {
    package struct Events: OptionSet, Sendable {
        package let rawValue: Int16
        package init(rawValue: Int16) { self.rawValue = rawValue }
        package static let input = Events(rawValue: Int16(POLLIN))
        package static let output = Events(rawValue: Int16(POLLOUT))
    }

    package let descriptor: Int32
    package let events: Events
    /// Whether one of the events, an end or an error came.
    package fileprivate(set) var isReady = false

    /// - Parameter events: without any it is not waited for.
    package init(_ descriptor: Int32, _ events: Events) {
        self.descriptor = descriptor
        self.events = events
    }
}

extension DescriptorIO {
    /// Blocks the thread until one of them is ready.
    package static func wait(_ waits: inout [DescriptorWait]) throws(Errno) {
        var entries = waits.map {
            // A negative number is passed over.
            pollfd(
                fd: $0.events.isEmpty ? -1 : $0.descriptor, events: $0.events.rawValue, revents: 0)
        }
        try retrying { unsafe poll(&entries, nfds_t(entries.count), -1) }
        for index in waits.indices { waits[index].isReady = entries[index].revents != 0 }
    }
}
