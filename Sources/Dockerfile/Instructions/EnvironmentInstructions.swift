/// A name and a value, in the order they were written.
package struct NamedValue: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// `ENV NAME=VALUE …` or `ENV NAME VALUE`
package struct EnvInstruction: Hashable, Sendable {
    package var pairs: [NamedValue]

    package init(pairs: [NamedValue]) {
        self.pairs = pairs
    }
}

/// `LABEL NAME=VALUE …` or `LABEL NAME VALUE`
package struct LabelInstruction: Hashable, Sendable {
    package var pairs: [NamedValue]

    package init(pairs: [NamedValue]) {
        self.pairs = pairs
    }
}

/// `ARG NAME[=DEFAULT] …`
package struct ArgInstruction: Hashable, Sendable {
    package struct Argument: Hashable, Sendable {
        package var name: String
        /// Nil when the line gives no default.
        package var defaultValue: String?

        package init(name: String, defaultValue: String? = nil) {
            self.name = name
            self.defaultValue = defaultValue
        }
    }

    package var arguments: [Argument]

    package init(arguments: [Argument]) {
        self.arguments = arguments
    }
}
