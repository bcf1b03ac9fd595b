/// Why a template cannot be read, or not be applied to a value.
package struct TemplateError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: String, Hashable, Sendable {
        /// It cannot be read.
        case syntax
        case unknownFunction = "unknown-function"
        case unknownVariable = "unknown-variable"
        case unknownTemplate = "unknown-template"
        /// The value has no such field.
        case unknownField = "unknown-field"
        /// A function was given what it cannot work on.
        case wrongArgument = "wrong-argument"
        /// It is too deep, or takes too many steps.
        case tooLarge = "too-large"
    }

    package let code: Code
    package let message: String
    /// Where in the template, counted in characters from 1; nil for errors of a value.
    package let column: Int?

    init(_ code: Code, _ message: String, column: Int? = nil) {
        self.code = code
        self.message = message
        self.column = column
    }

    package var description: String {
        column.map { "the template, at character \($0): \(message)" } ?? "the template: \(message)"
    }
}
