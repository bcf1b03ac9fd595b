internal import ImageSpec

/// The name that an index of an archive gives an image.
struct ArchivedName: Hashable, Sendable {
    static let containerdAnnotation = "io.containerd.image.name"
    static let ociAnnotation = "org.opencontainers.image.ref.name"

    /// containerd's annotation: always a whole reference.
    private let whole: String?
    /// OCI's annotation: a whole reference, or a tag alone.
    private let short: String?

    init() {
        whole = nil
        short = nil
    }

    init(_ annotations: [String: String]) {
        whole = annotations[Self.containerdAnnotation]
        short = annotations[Self.ociAnnotation]
    }

    /// As people see it.
    var text: String? { whole ?? short }

    /// The image's name; nil where there is none, or only a tag: of which repository, nobody says.
    var reference: Reference? {
        let isWhole = { (text: String) in text.contains { $0 == ":" || $0 == "/" } }
        for text in [whole, short.flatMap { isWhole($0) ? $0 : nil }].compactMap({ $0 }) {
            guard let reference = try? Reference(parsing: text),  // the next may be one
                reference.tag != nil, reference.digest == nil
            else { continue }
            return reference
        }
        return nil
    }

    /// Whether a user means it by `text`: word for word, as a tag, or as a reference.
    func matches(_ text: String) -> Bool {
        if whole == text || short == text { return true }
        guard let reference else { return false }
        if reference.tag == text { return true }
        return (try? Reference(parsing: text)) == reference  // no reference: no match
    }
}
