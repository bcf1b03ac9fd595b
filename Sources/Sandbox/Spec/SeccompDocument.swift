package import ImageSpec

/// A profile in Docker's form (moby's `profiles/seccomp`): rules that hold for some architectures,
/// kernels and capabilities only.
package struct SeccompDocument: Hashable, Sendable {
    private var defaultAction: String
    private var defaultErrorNumber: JSONValue?
    private var architectures: [String]
    private var architectureMap: [Architecture]
    private var flags: [String]
    private var rules: [Rule]

    private struct Architecture: Hashable, Sendable {
        var name: String
        /// Those that its kernels run, too.
        var others: [String]
    }

    private struct Rule: Hashable, Sendable {
        var names: [String]
        var action: String
        var errorNumber: JSONValue?
        var arguments: [JSONValue]
        var includes: Condition
        var excludes: Condition
    }

    private struct Condition: Hashable, Sendable {
        var architectures: [String] = []
        var capabilities: [String] = []
        var kernel: KernelVersion?
    }

    /// `4.8`
    package struct KernelVersion: Hashable, Comparable, Sendable {
        package var major: Int
        package var minor: Int

        package init(major: Int, minor: Int) {
            self.major = major
            self.minor = minor
        }

        /// The first two numbers of the text; nil if it does not begin with them.
        package init?(_ text: String) {
            let parts = text.split(separator: ".", maxSplits: 2).map {
                $0.prefix { ("0"..."9").contains($0) }
            }
            guard parts.count >= 2, let major = Int(parts[0]), let minor = Int(parts[1]) else {
                return nil
            }
            self.major = major
            self.minor = minor
        }

        package static func < (a: Self, b: Self) -> Bool {
            (a.major, a.minor) < (b.major, b.minor)
        }
    }

    /// More rules than any real profile has.
    private static let maximumRules = 4096

    /// - Throws: ``ImageSpecError`` with the place of what is wrong.
    package init(parsing bytes: [UInt8]) throws(ImageSpecError) {
        var fields = try JSONFields(try JSONParser.parse(bytes))
        defaultAction = try fields.require(try fields.string("defaultAction"), "defaultAction")
        try Self.check(defaultAction, "defaultAction")
        defaultErrorNumber = try fields.integer("defaultErrnoRet").map { JSONValue($0) }
        architectures = try fields.strings("architectures") ?? []
        flags = try fields.strings("flags") ?? []
        architectureMap = []
        for (value, path) in try fields.array("archMap") ?? [] {
            var entry = try JSONFields(value, at: path)
            architectureMap.append(
                Architecture(
                    name: try entry.string("architecture") ?? "",
                    others: try entry.strings("subArchitectures") ?? []))
        }
        guard architectures.isEmpty || architectureMap.isEmpty else {
            throw ImageSpecError(
                .wrongType, "it has both \"architectures\" and \"archMap\"",
                hint: "use either of them")
        }
        rules = []
        let list = try fields.array("syscalls") ?? []
        guard list.count <= Self.maximumRules else {
            throw ImageSpecError(
                .wrongType, "it has more than \(Self.maximumRules) rules", subject: "syscalls")
        }
        for (value, path) in list { rules.append(try Self.rule(value, path)) }
    }

    private static func check(_ action: String, _ path: String) throws(ImageSpecError) {
        let known = [
            "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP",
            "SCMP_ACT_ERRNO", "SCMP_ACT_TRACE", "SCMP_ACT_ALLOW", "SCMP_ACT_LOG",
        ]
        guard known.contains(action) else {
            throw ImageSpecError(
                .wrongType, "\"\(path)\" is \"\(action.prefix(60))\", which is no action",
                hint: "actions are \(known.joined(separator: ", "))", subject: path)
        }
    }

    private static func rule(_ value: JSONValue, _ path: String) throws(ImageSpecError) -> Rule {
        var fields = try JSONFields(value, at: path)
        let name = try fields.string("name") ?? ""
        let names = try fields.strings("names") ?? []
        guard name.isEmpty || names.isEmpty else {
            throw ImageSpecError(
                .wrongType, "\"\(path)\" has both \"name\" and \"names\"",
                hint: "use either of them", subject: path)
        }
        let action = try fields.require(try fields.string("action"), "action")
        try check(action, fields.place("action"))
        var arguments: [JSONValue] = []
        for (argument, place) in try fields.array("args") ?? [] {
            arguments.append(try self.argument(argument, place))
        }
        let places = (includes: fields.place("includes"), excludes: fields.place("excludes"))
        return Rule(
            names: name.isEmpty ? names : [name], action: action,
            errorNumber: try fields.integer("errnoRet").map { JSONValue($0) },
            arguments: arguments,
            includes: try condition(fields.value("includes"), places.includes),
            excludes: try condition(fields.value("excludes"), places.excludes))
    }

    private static func argument(
        _ value: JSONValue, _ path: String
    ) throws(ImageSpecError) -> JSONValue {
        let fields = try JSONFields(value, at: path)
        var object = JSONObject()
        for name in ["index", "value", "valueTwo", "op"] {
            object.append(name, value[name] ?? (name == "op" ? nil : JSONValue(0)))
        }
        _ = try fields.require(value["op"]?.stringValue, "op")
        return .object(object)
    }

    private static func condition(
        _ value: JSONValue?, _ path: String
    ) throws(ImageSpecError) -> Condition {
        guard let value else { return Condition() }
        var fields = try JSONFields(value, at: path)
        var condition = Condition()
        condition.architectures = try fields.strings("arches") ?? []
        condition.capabilities = try fields.strings("caps") ?? []
        if let text = try fields.string("minKernel") {
            guard let version = KernelVersion(text) else {
                throw ImageSpecError(
                    .wrongType,
                    "\"\(fields.place("minKernel"))\" is \"\(text.prefix(60))\", which "
                        + "is no kernel's version", subject: path)
            }
            condition.kernel = version
        }
        return condition
    }

    // MARK: - For one container

    /// What the runtime reads (OCI runtime-spec, config-linux.md, "Seccomp"): the rules that hold
    /// here.
    /// - Parameters:
    ///   - architecture: OCI's name of this machine's.
    ///   - kernel: of this machine.
    package func document(
        capabilities: [String], architecture: String = Platform.host.architecture,
        kernel: KernelVersion
    ) -> JSONValue {
        let name = architecture == "386" ? "x86" : architecture
        let held = Set(capabilities)
        let holding = rules.filter { rule in
            let (includes, excludes) = (rule.includes, rule.excludes)
            return !excludes.architectures.contains(name)
                && !excludes.capabilities.contains(where: held.contains)
                && !(excludes.kernel.map { kernel >= $0 } ?? false)
                && (includes.architectures.isEmpty || includes.architectures.contains(name))
                && includes.capabilities.allSatisfy(held.contains)
                && (includes.kernel.map { kernel >= $0 } ?? true)
        }
        var object = JSONObject()
        object.append("defaultAction", defaultAction)
        object.append("defaultErrnoRet", defaultErrorNumber)
        let own = architectures.isEmpty ? mapped(name) : architectures
        if !own.isEmpty { object.append("architectures", own) }
        if !flags.isEmpty { object.append("flags", flags) }
        object.append("syscalls", .array(holding.filter { !$0.names.isEmpty }.map(Self.json)))
        return .object(object)
    }

    private static let nativeNames = [
        "x86": "SCMP_ARCH_X86", "amd64": "SCMP_ARCH_X86_64", "arm": "SCMP_ARCH_ARM",
        "arm64": "SCMP_ARCH_AARCH64", "ppc64le": "SCMP_ARCH_PPC64LE",
        "riscv64": "SCMP_ARCH_RISCV64", "s390x": "SCMP_ARCH_S390X",
    ]

    private func mapped(_ name: String) -> [String] {
        let native = Self.nativeNames[name]
        guard let entry = architectureMap.first(where: { $0.name == native }) else {
            return []
        }
        return [entry.name] + entry.others
    }

    private static func json(_ rule: Rule) -> JSONValue {
        var object = JSONObject()
        object.append("names", rule.names)
        object.append("action", rule.action)
        object.append("errnoRet", rule.errorNumber)
        if !rule.arguments.isEmpty { object.append("args", .array(rule.arguments)) }
        return .object(object)
    }
}
