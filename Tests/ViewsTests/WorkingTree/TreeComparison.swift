import FileTree
import Glibc
import LinuxIO
import VirtualFS

/// A tree of files as lines of text, one for each name, so that two can be compared.
enum TreeComparison {
    /// What a client sees.
    static func lines(_ client: some PosixClient, attributeNames: [String]) -> [String] {
        var lines: [String] = []
        var paths = [""]
        while let path = paths.popLast() {
            guard case .text(let status) = client.run(.status(path: path)) else {
                lines.append("\(path): no status")
                continue
            }
            var line = "/\(path): \(status)"
            if case .text(let content) = client.run(.read(path: path)) { line += " = \(content)" }
            for name in attributeNames {
                if case .text(let value) = client.run(.attribute(path: path, name: name)) {
                    line += " \(name)=\(value)"
                }
            }
            lines.append(line)
            if case .text(let names) = client.run(.list(path: path)) {
                paths += names.split(separator: " ").map {
                    path.isEmpty ? "\($0)" : "\(path)/\($0)"
                }
            }
        }
        return lines.sorted()
    }

    /// What a frozen tree holds, in the same words.
    static func lines(
        _ tree: Tree, _ fixture: WorkingTreeFixture, attributeNames: [String]
    ) throws -> [String] {
        var lines: [String] = []
        var stack: [(path: String, node: Node)] = [("", tree.root)]
        while let (path, node) = stack.popLast() {
            var (type, size, device, links) = (FileType.regular, UInt64(0), UInt64(0), 1)
            var content = ""
            switch node.content {
            case .directory(let reference):
                (type, links) = (.directory, 2 + Int(reference.childDirectoryCount))
                for entry in try fixture.directories.directory(reference.id).entries {
                    stack.append(
                        (path.isEmpty ? "\(entry.name)" : "\(path)/\(entry.name)", entry.node))
                }
            case .file(let file):
                size = file.sizeBytes
                content = " = " + ContentDigest.text(try fixture.content(file))
            case .symbolicLink(let target):
                (type, size) = (.symbolicLink, UInt64(target.count))
                content = " = " + String(decoding: target, as: UTF8.self)
            case .characterDevice(let number):
                (type, device) = (.characterDevice, number.rawValue)
            case .blockDevice(let number): (type, device) = (.blockDevice, number.rawValue)
            case .fifo: type = .fifo
            case .socket: type = .socket
            }
            if let link = node.hardLink { links = Int(link.count) }
            let status = PosixStatus(
                mode: type.rawValue | UInt32(node.attributes.permissions), links: UInt64(links),
                user: node.attributes.userID, group: node.attributes.groupID, device: device,
                size: size, modifiedSeconds: node.attributes.modificationTime.seconds)
            guard case .text(let text) = status.outcome else { continue }
            var line = "/\(path): \(text)\(content)"
            for name in attributeNames {
                if let value = node.attributes.extendedAttributes[Array(name.utf8)] {
                    line += " \(name)=\(value)"
                }
            }
            lines.append(line)
        }
        return lines.sorted()
    }

    /// The groups of names that are one file, each sorted.
    static func linkGroups(_ tree: Tree, _ fixture: WorkingTreeFixture) throws -> [[String]] {
        try HardLinkGroups.paths(in: tree, fixture.directories).values
            .map { $0.map { String(decoding: $0.bytes, as: UTF8.self) } }
            .sorted { $0[0] < $1[0] }
    }

    /// The same of a directory of the host.
    static func linkGroups(ofDirectory path: String) throws -> [[String]] {
        var groups: [UInt64: [String]] = [:]
        var stack = [""]
        while let place = stack.popLast() {
            for name in try HostDirectory.names(ofPath: "\(path)/\(place)") {
                let text = String(decoding: name, as: UTF8.self)
                let child = place.isEmpty ? text : "\(place)/\(text)"
                let status = try FileStatus(ofPath: "\(path)/\(child)", followsLinks: false)
                if status.kind == .directory {
                    stack.append(child)
                } else if status.linkCount > 1 {
                    groups[status.inode, default: []].append(child)
                }
            }
        }
        return groups.values.filter { $0.count > 1 }.map { $0.sorted() }.sorted { $0[0] < $1[0] }
    }
}
