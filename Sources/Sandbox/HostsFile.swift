/// The content of a container's `/etc/hosts`.
package enum HostsFile {
    /// A name beyond the usual ones, as `--add-host` gives it.
    package struct Entry: Hashable, Sendable {
        package var name: String
        package var address: String

        package init(name: String, address: String) {
            self.name = name
            self.address = address
        }
    }

    /// Docker's lines, the container's own name on the loopback, and the further entries.
    package static func content(hostname: String, entries: [Entry] = []) -> [UInt8] {
        var text = """
            127.0.0.1\tlocalhost
            ::1\tlocalhost ip6-localhost ip6-loopback
            fe00::\tip6-localnet
            ff00::\tip6-mcastprefix
            ff02::1\tip6-allnodes
            ff02::2\tip6-allrouters

            """
        if !hostname.isEmpty, hostname != "localhost" { text += "127.0.1.1\t\(hostname)\n" }
        for entry in entries { text += "\(entry.address)\t\(entry.name)\n" }
        return Array(text.utf8)
    }
}
