/// A file of `NAME=value` lines (`--env-file`, `--label-file`), as Docker reads it.
struct EnvironmentFile {
    /// `NAME=value`, or a name alone, in the order of the file.
    let variables: [String]

    /// - Parameter name: the file's, for errors.
    init(parsing bytes: [UInt8], option: String, name: String) throws {
        var rest = bytes[...]
        // A byte order mark.
        if rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest = rest.dropFirst(3) }
        var variables: [String] = []
        var number = 0
        for line in rest.split(separator: 0x0A, omittingEmptySubsequences: false) {
            number += 1
            guard let text = String(validating: line, as: UTF8.self) else {
                throw OptionError(option, name, "line \(number) is not in UTF-8")
            }
            var content = text.drop { $0.isWhitespace }
            if content.last == "\r" { content.removeLast() }
            if content.isEmpty || content.first == "#" { continue }
            let variable = content.prefix { $0 != "=" }
            guard !variable.isEmpty else {
                throw OptionError(
                    option, name, "no variable name on line \(number): '\(content)'",
                    hint: "write NAME=value, or NAME alone")
            }
            guard !variable.contains(where: \.isWhitespace) else {
                throw OptionError(
                    option, name,
                    "line \(number): variable '\(variable)' contains whitespaces",
                    hint: "write NAME=value without blanks before the \"=\"")
            }
            guard !content.utf8.contains(0) else {
                throw OptionError(option, name, "line \(number) holds a NUL")
            }
            variables.append(String(content))
        }
        self.variables = variables
    }
}
