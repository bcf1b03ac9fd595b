/// What `--filter` is given: `KEY=VALUE`. As Docker reads it: the case of the key, and blanks around
/// either, mean nothing.
package struct FilterText: Hashable, Sendable {
    package let key: String
    package let value: String

    /// - Throws: ``EngineError`` `invalid`.
    package init(_ text: String) throws {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            .map { $0.trimming(while: \.isWhitespace) }
        guard parts.count == 2 else {
            throw EngineError(.invalid, "a filter is KEY=VALUE, not \"\(text)\"")
        }
        (key, value) = (parts[0].lowercased(), String(parts[1]))
    }

    /// - Throws: ``EngineError`` `invalid`.
    package func flag() throws -> Bool {
        switch value {
        case "true", "1": return true
        case "false", "0": return false
        default: throw EngineError(.invalid, "\(key) is true or false, not \"\(value)\"")
        }
    }

    /// The flag, where the key was given before with another one.
    /// - Throws: ``EngineError`` `invalid` for both at once, as Docker.
    func flag(besides former: Bool?) throws -> Bool {
        let flag = try flag()
        guard let former, former != flag else { return flag }
        throw EngineError(
            .invalid, "invalid filter '\(key)=[false true]'", hint: "it is one or the other")
    }

    /// That there is no filter of this key.
    /// - Parameter known: those that there are, with what they take.
    package func unknown(_ known: String) -> EngineError {
        EngineError(.invalid, "there is no filter \"\(key)\" here", hint: "there are \(known)")
    }
}

extension Substring {
    fileprivate func trimming(while isLeftOut: (Character) -> Bool) -> Substring {
        var rest = drop(while: isLeftOut)
        while let last = rest.last, isLeftOut(last) { rest.removeLast() }
        return rest
    }
}
