/// The name servers that a container asks: the content of its `/etc/resolv.conf`.
package enum ResolverConfiguration {
    package static let hostPath = "/etc/resolv.conf"
    /// Where systemd-resolved keeps the servers behind its local stub.
    package static let systemdPath = "/run/systemd/resolve/resolv.conf"

    /// Docker's choice for containers that are left without any.
    private static let fallbackServers = ["8.8.8.8", "8.8.4.4"]

    /// The file for a container that shares the host's network: the host's own.
    package static func shared(host: [UInt8]) -> [UInt8] { host }

    /// The file for a container with a network of its own: servers on the host's loopback, which it
    /// cannot reach, are left out; the stub of systemd-resolved gives way to what is behind it.
    package static func isolated(host: [UInt8], systemd: [UInt8]?) -> [UInt8] {
        var source = host
        let servers = lines(host).compactMap(server)
        if servers == ["127.0.0.53"], let systemd { source = systemd }
        var kept = lines(source).filter { line in server(line).map { !isLoopback($0) } ?? true }
        if kept.compactMap(server).isEmpty {
            kept += fallbackServers.map { "nameserver \($0)" }
        }
        return Array((kept.joined(separator: "\n") + "\n").utf8)
    }

    /// The file with these in the place of its own, as far as they are given; `.` alone is no domain.
    package static func replacing(
        _ content: [UInt8], servers: [String], domains: [String], options: [String]
    ) -> [UInt8] {
        if servers.isEmpty, domains.isEmpty, options.isEmpty { return content }
        var kept = lines(content).filter { line in
            switch line.split(whereSeparator: { $0 == " " || $0 == "\t" }).first {
            case "nameserver": servers.isEmpty
            case "search", "domain": domains.isEmpty
            case "options": options.isEmpty
            default: true
            }
        }
        let searched = domains.filter { $0 != "." }
        if !searched.isEmpty { kept.append("search \(searched.joined(separator: " "))") }
        kept += servers.map { "nameserver \($0)" }
        if !options.isEmpty { kept.append("options \(options.joined(separator: " "))") }
        return Array((kept.joined(separator: "\n") + "\n").utf8)
    }

    private static func lines(_ bytes: [UInt8]) -> [String] {
        bytes.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func server(_ line: String) -> String? {
        let words = line.split { $0 == " " || $0 == "\t" }
        return words.count > 1 && words[0] == "nameserver" ? String(words[1]) : nil
    }

    private static func isLoopback(_ address: String) -> Bool {
        address.hasPrefix("127.") || address == "::1" || address.hasPrefix("::1%")
    }
}
