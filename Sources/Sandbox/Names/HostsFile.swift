/// The content of a container's `/etc/hosts`.
package enum HostsFile {
    /// Docker's lines, the container's own name on the loopback, and those of `--add-host`.
    package static func content(
        hostname: String, extraHosts: [(name: String, address: String)] = []
    ) -> [UInt8] {
        var text = """
            127.0.0.1\tlocalhost
            ::1\tlocalhost ip6-localhost ip6-loopback
            fe00::\tip6-localnet
            ff00::\tip6-mcastprefix
            ff02::1\tip6-allnodes
            ff02::2\tip6-allrouters

            """
        if !hostname.isEmpty, hostname != "localhost" { text += "127.0.1.1\t\(hostname)\n" }
        for host in extraHosts { text += "\(host.address)\t\(host.name)\n" }
        return Array(text.utf8)
    }
}
