internal import Dockerfile

/// Reads what stands behind a command's name as Go's pflag reads it, with which Docker and Podman are
/// made, and writes it anew so that nothing of it can be mistaken:
///
///     stop db -at5
///     --all --time=5 -- db
///
///     -it -p8080:80 -eA=b --rm=false debian ls -l
///     --interactive --tty --publish=8080:80 --env=A=b -- debian ls -l
struct CommandFlags {
    /// Options that stand alone.
    private let switches: Set<String>
    /// Options that may stand alone and may be given a value.
    private let optional: [String: OptionalValue]
    /// Options that take a value. One that has only a short name is called by that, with its dash.
    private let valued: Set<String>
    private let shorts: [Character: String]
    /// Whether what follows the first operand is a command line for somebody else.
    private let endAtOperand: Bool

    init(_ options: CommandOptions) {
        var shorts: [Character: String] = [:]
        func names(_ list: String) -> Set<String> {
            Set(
                list.split(whereSeparator: \.isWhitespace).map { item in
                    let parts = item.split(separator: "/")
                    let name = String(parts[0])
                    let short = name.hasPrefix("-") ? name.last : parts.dropFirst().first?.first
                    if let short { shorts[short] = name }
                    return name
                })
        }
        valued = names(options.valued).union(["root"])
        switches = names(options.switches).union(["help", "version"])
        // "run -h" names the host.
        if shorts["h"] == nil { shorts["h"] = "help" }
        optional = options.optional
        endAtOperand = options.endAtOperand
        self.shorts = shorts
    }

    /// All names, for tests: those of switches, those of options with values, and short ones with what
    /// they are short for.
    var names: (switches: Set<String>, valued: Set<String>, shorts: [Character: String]) {
        (switches, valued.union(optional.keys), shorts)
    }

    /// The arguments after the command's name, rewritten.
    ///
    /// What is not known stays as it is: it is the command's to refuse.
    func rewritten(_ arguments: ArraySlice<String>) -> [String] {
        var reading = Reading(rest: arguments)
        while let argument = reading.rest.popFirst() {
            if argument == "--" {
                reading.operands += reading.rest
                break
            }
            guard argument.hasPrefix("-"), argument != "-" else {
                reading.operands.append(argument)
                if !endAtOperand { continue }
                reading.operands += reading.rest
                break
            }
            let isKnown =
                argument.hasPrefix("--")
                ? takeLong(argument.dropFirst(2), &reading)
                : takeShorts(argument.dropFirst(), &reading)
            if !isKnown {
                return shown(reading) + [argument, "--"] + reading.operands + reading.rest
            }
        }
        return shown(reading) + (reading.operands.isEmpty ? [] : ["--"] + reading.operands)
    }

    /// How far a command line is read.
    private struct Reading {
        var rest: ArraySlice<String>
        /// Switches; the last word counts.
        var flags: [String: Bool] = [:]
        var options: [String] = []
        var operands: [String] = []
    }

    private func shown(_ reading: Reading) -> [String] {
        reading.flags.sorted { $0.key < $1.key }.compactMap { name, isOn in
            if isOn { return "--\(name)" }
            // What is on by itself is turned off.
            return switches.contains("no-\(name)") ? "--no-\(name)" : nil
        } + reading.options
    }

    private func takeLong(_ text: Substring, _ reading: inout Reading) -> Bool {
        let name = String(text.prefix { $0 != "=" })
        let value = text.count > name.count ? String(text.dropFirst(name.count + 1)) : nil
        return take(name, value, &reading)
    }

    /// `-it`, `-p8080:80`, `-p=8080:80`, `-p 8080:80`
    private func takeShorts(_ text: Substring, _ reading: inout Reading) -> Bool {
        var text = text
        while let letter = text.popFirst() {
            guard let name = shorts[letter] else { return false }
            if valued.contains(name) {
                let value = text.isEmpty ? nil : text.first == "=" ? text.dropFirst() : text
                return take(name, value.map(String.init), &reading)
            }
            if text.first == "=" { return take(name, String(text.dropFirst()), &reading) }
            _ = take(name, nil, &reading)
        }
        return true
    }

    /// - Returns: whether there is such an option.
    private func take(_ name: String, _ value: String?, _ reading: inout Reading) -> Bool {
        if switches.contains(name) {
            guard let isOn = value.map(GoBoolean.parse) ?? true else {
                // Not true and not false; the command says so.
                reading.options.append("--\(name)=\(value ?? "")")
                return true
            }
            let opposite = name.hasPrefix("no-") ? String(name.dropFirst(3)) : ""
            if switches.contains(opposite) {
                reading.flags[opposite] = !isOn
            } else {
                reading.flags[name] = isOn
            }
            return true
        }
        if let option = optional[name] {
            var value = value
            if value == nil, let next = reading.rest.first, option.words.contains(next.lowercased())
            {
                value = reading.rest.removeFirst()
            }
            reading.options.append("--\(name)=\(value ?? option.alone)")
            return true
        }
        guard valued.contains(name) else { return false }
        let option = name.hasPrefix("-") ? name : "--\(name)"
        guard let value = value ?? reading.rest.popFirst() else {
            reading.options.append(option)
            return true
        }
        // An empty value would be none behind a "=".
        reading.options += value.isEmpty ? [option, ""] : ["\(option)=\(value)"]
        return true
    }
}
