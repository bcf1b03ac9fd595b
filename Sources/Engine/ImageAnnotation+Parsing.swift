package import Builder
internal import ImageSpec

/// What `--annotation` and the `annotation…` fields of `--output` say, by buildx's rules.
///
///     --annotation [SUBJECT[PLATFORM],…:]NAME=VALUE
///     --output annotation[-SUBJECT][PLATFORM].NAME=VALUE
///
/// A subject is `manifest`, the default, `manifest-descriptor`, `index` or `index-descriptor`; PLATFORM
/// stands in brackets.
extension ImageAnnotation {
    /// Reads the value of `--annotation`.
    /// - Throws: ``EngineError`` `invalid`.
    package static func parse(option text: String) throws -> [ImageAnnotation] {
        guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
            throw invalid("--annotation \"\(text)\" is no NAME=VALUE")
        }
        var name = text[..<equals]
        let value = String(text[text.index(after: equals)...])
        var subjects: [Substring] = ["manifest"]
        // A colon in a name is no end of subjects.
        if let colon = name.firstIndex(of: ":") {
            let words = name[..<colon].split(separator: ",", omittingEmptySubsequences: false)
            if words.allSatisfy({ allNames.contains($0.prefix { $0 != "[" }) }) {
                subjects = words
                name = name[name.index(after: colon)...]
            }
        }
        guard !name.isEmpty else { throw invalid("--annotation \"\(text)\" has no name") }
        return try subjects.map { subject in
            let (subject, platform) = try target(subject, in: "--annotation \"\(text)\"")
            return ImageAnnotation(
                subject, platform: platform, name: String(name), value: value)
        }
    }

    /// Reads a field of `--output`.
    /// - Returns: nil for a field that is about something else.
    /// - Throws: ``EngineError`` `invalid`.
    package static func parse(field: String, value: String) throws -> ImageAnnotation? {
        guard field.hasPrefix("annotation"),
            let dot = field.firstIndex(of: "."), dot < field.index(before: field.endIndex)
        else { return nil }
        var subject = field[..<dot].dropFirst("annotation".count)
        if subject.isEmpty || subject.hasPrefix("[") {
            subject = "manifest" + subject
        } else if subject.hasPrefix("-") {
            subject = subject.dropFirst()
        } else {
            return nil
        }
        let (known, platform) = try target(subject, in: "--output \(field)")
        return ImageAnnotation(
            known, platform: platform, name: String(field[field.index(after: dot)...]),
            value: value)
    }

    private static let allNames = Set(Subject.allCases.map { $0.rawValue[...] })

    private static func target(
        _ text: Substring, in whole: String
    ) throws -> (Subject, Platform?) {
        let name = text.prefix { $0 != "[" }
        var platform: Platform?
        let rest = text[name.endIndex...]
        if !rest.isEmpty {
            guard rest.hasSuffix("]") else { throw invalid("\(whole): a bracket is not closed") }
            platform = try Platform.parse(String(rest.dropFirst().dropLast()))
        }
        guard let subject = Subject(rawValue: String(name)) else {
            throw invalid("\(whole): \"\(name)\" cannot be annotated")
        }
        if subject.isOfIndex, platform != nil {
            throw invalid("\(whole): an index is of no single platform")
        }
        return (subject, platform)
    }

    private static func invalid(_ message: String) -> EngineError {
        EngineError(
            .invalid, message.visible,
            hint:
                "write NAME=VALUE, manifest:NAME=VALUE or manifest-descriptor:NAME=VALUE, and for "
                + "several platforms index:NAME=VALUE or index-descriptor:NAME=VALUE")
    }
}
