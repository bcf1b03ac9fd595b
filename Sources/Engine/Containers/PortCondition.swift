/// Ports as filters name them: `80`, `53/udp`, `8000-8010/tcp`.
struct PortCondition: Hashable {
    let ports: ClosedRange<UInt16>
    let transport: String

    init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let ends = parts[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = UInt16(ends[0]), let last = UInt16(ends[ends.count - 1]), first <= last
        else { return nil }
        ports = first...last
        transport = parts.count == 2 ? parts[1].lowercased() : "tcp"
    }

    func includes(_ port: UInt16, _ transport: String) -> Bool {
        ports.contains(port) && self.transport == transport
    }

    /// - Parameter port: `80/tcp`.
    func includes(_ port: String) -> Bool {
        PortCondition(port).map { includes($0.ports.lowerBound, $0.transport) } ?? false
    }
}
