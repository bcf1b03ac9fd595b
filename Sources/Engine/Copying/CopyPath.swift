/// A path that `cp` was given: absolute, cleaned as text, as Docker does on both sides.
struct CopyPath: Hashable, Sendable {
    /// What the path ends with, which says more than where it leads.
    enum Ending: Sendable {
        case name
        /// `/`: a directory is meant, also behind a symbolic link.
        case slash
        /// `/.`: what is in the directory is meant.
        case dot
    }

    /// Neither empty nor `.` nor `..`; the root has none.
    let names: [[UInt8]]
    let ending: Ending

    private static let slash = UInt8(ascii: "/")

    /// - Parameter path: see ``ArgumentText``; `..` takes a name back, and does nothing at the root.
    init(_ path: String) {
        let bytes = ArgumentText.bytes(path)
        let parts = bytes.split(separator: Self.slash).map(Array.init)
        var names: [[UInt8]] = []
        for part in parts where part != [0x2E] {
            if part != [0x2E, 0x2E] {
                names.append(part)
            } else {
                _ = names.popLast()
            }
        }
        self.names = names
        if parts.last == [0x2E] {
            ending = .dot
        } else {
            ending = bytes.last == Self.slash ? .slash : .name
        }
    }

    var isRoot: Bool { names.isEmpty }
    var last: [UInt8]? { names.last }
    /// Whether the path itself says that a directory is meant.
    var assertsDirectory: Bool { ending != .name }
    /// Whether what is in the directory is meant, and not the directory with its name.
    var meansContents: Bool { isRoot || ending == .dot }

    /// Absolute, without what it ends with.
    var bytes: [UInt8] { [Self.slash] + names.pathBytes }
    /// Where the last name stands.
    var parent: [UInt8] {
        [Self.slash] + names.dropLast().pathBytes
    }
}

extension Sequence<[UInt8]> {
    /// The names of a path, with slashes between them.
    var pathBytes: [UInt8] { Array(joined(separator: [UInt8(ascii: "/")])) }
    /// For messages.
    var pathText: String { pathBytes.text }
}

extension [UInt8] {
    /// A name or path for messages.
    var text: String { String(decoding: self, as: UTF8.self) }
}

extension CopyPath: CustomStringConvertible {
    /// As it was given, cleaned.
    var description: String {
        let text = bytes.text
        switch ending {
        case .name: return text
        case .slash: return isRoot ? text : text + "/"
        case .dot: return isRoot ? "/." : text + "/."
        }
    }
}
