package import ImageSpec
package import Layers
internal import Store

/// Where a root file system is that `import` makes an image of.
package enum RootFileSystemSource: Sendable {
    /// A tar or a directory of this host.
    case local(ArchiveInput)
    /// A tar of a web server. The environment tells its proxy.
    case remote(WebAddress, environment: [String: String])

    /// Reads what a command line names: a path, or an address.
    /// - Throws: ``EngineError`` `invalid` for an address that is none.
    package init(_ text: String, environment: [String: String]) throws {
        let lower = text.lowercased()
        guard lower.hasPrefix("http://") || lower.hasPrefix("https://") else {
            self = .local(.path(text))
            return
        }
        guard let address = WebAddress(text) else {
            throw EngineError(
                .invalid,
                "\"\(text.visible)\" is no address that a file can be downloaded from",
                hint: "it looks like http://HOST/PATH or https://HOST/PATH")
        }
        self = .remote(address, environment: environment)
    }

    /// Lends what can be read.
    func withInput<Value>(
        store: Store, lease: Lease, progress: ((ArchiveProgress) -> Void)?,
        _ body: (ArchiveInput) throws -> Value
    ) throws -> Value {
        switch self {
        case .local(let input): return try body(input)
        case .remote(let address, let environment):
            let file = try DownloadedFile(
                address, store: store, lease: lease, environment: environment,
                progress: progress)
            return try body(.descriptor(file.descriptor, name: "\(address)"))
        }
    }
}

/// As `docker import` writes it, which calls a stream "-".
extension RootFileSystemSource: CustomStringConvertible {
    package var description: String {
        switch self {
        case .local(.path(let path)): path
        case .local(.descriptor): "-"
        case .remote(let address, _): "\(address)"
        }
    }
}
