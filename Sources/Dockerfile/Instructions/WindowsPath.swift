/// Paths as instructions for an image of Windows write them, `C:\app` or `c:/app`, and what they are
/// in the image, whose names are those of a root without drives: `/app`.
///
/// As BuildKit has it (util/system/path.go).
package enum WindowsPath {
    package struct Mistake: Error, Hashable, Sendable {
        /// In BuildKit's words.
        package var message: String
    }

    /// The path with slashes and without its drive. One that is relative stays so, that of `C:app`
    /// too; it is not cleaned.
    /// - Throws: for another drive than `C:`, for a drive alone, and for `\\host\…`.
    package static func normalized(_ text: String) throws(Mistake) -> String {
        let bytes = Array(text.utf8)
        let isDrive = bytes.count == 2 && bytes[1] == UInt8(ascii: ":")
        if isDrive { throw Mistake(message: "No relative path specified in \(text.quoted)") }
        if bytes.count >= 2, bytes[..<2].allSatisfy(isSeparator) {
            throw Mistake(message: "UNC paths are not supported")
        }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return withSlashes(text) }
        guard parts[0].lowercased() == "c" else {
            throw Mistake(message: "The specified path is not on the system drive (C:)")
        }
        return withSlashes(String(parts[1]))
    }

    /// Whether it begins at the root.
    package static func isAbsolute(_ text: String) -> Bool {
        // What is none begins nowhere.
        (try? normalized(text).hasPrefix("/")) ?? false
    }

    /// A path of the image as the config of one of Windows has it: `\app`.
    package static func withBackslashes(_ text: String) -> String {
        String(text.map { $0 == "/" ? "\\" : $0 })
    }

    private static func withSlashes(_ text: String) -> String {
        String(text.map { $0 == "\\" ? "/" : $0 })
    }

    private static func isSeparator(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "/") || byte == UInt8(ascii: "\\")
    }
}
