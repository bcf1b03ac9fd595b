internal import ImageSpec

/// What the types of Docker's fields tell and JSON does not: which are there though they are not set,
/// which are maps, and what Go prints of one without a value.
enum DockerFields {
    private static let maps: Set<String> = [
        "Annotations", "Attributes", "DriverOpts", "ExposedPorts", "Labels", "Networks", "Options",
        "PortBindings", "Ports", "StorageOpt", "Sysctls", "Tmpfs", "Volumes",
    ]
    private static let lists: Set<String> = [
        "Args", "Binds", "CapAdd", "CapDrop", "Cmd", "Devices", "Dns", "DnsOptions", "DnsSearch",
        "Entrypoint", "Env", "ExecIDs", "ExtraHosts", "GroupAdd", "Links", "Mounts", "OnBuild",
        "RepoDigests", "RepoTags", "SecurityOpt", "Shell", "Ulimits", "VolumesFrom",
    ]
    /// Left out of documents where they are not set.
    private static let optional: Set<String> = [
        "Health", "Healthcheck", "Shell", "SizeRootFs", "SizeRw", "StopTimeout",
    ]
    /// Texts that events of some kinds are without.
    private static let eventTexts: Set<String> = ["From", "ID", "Status"]

    /// - Parameter owner: the name of the field that the value is of; nil for none.
    /// - Throws: `unknownField`.
    static func member(
        _ name: String, of value: JSONValue, named owner: String?
    ) throws(TemplateError) -> JSONValue {
        let isInMap = owner.map(maps.contains) ?? false
        guard let object = value.objectValue else {
            // What an empty map lacks has no value.
            if value.isNull, isInMap { return .null }
            throw TemplateError(
                .unknownField,
                "can't evaluate field \(name) in \(value.isNull ? "what is not set" : "type \(value.goType)")"
            )
        }
        if let member = object[name] { return member }
        if isInMap || optional.contains(name) { return .null }
        // Fields have Go's names, too: .ID of "Id", .TimeNano of "timeNano".
        if name.first?.isUppercase ?? false,
            let member = object.members.first(where: { $0.name.lowercased() == name.lowercased() })
        {
            return member.value
        }
        if eventTexts.contains(name), object["timeNano"] != nil { return .string("") }
        throw TemplateError(
            .unknownField,
            "can't evaluate field \(name); there are "
                + object.members.map { ".\($0.name)" }.joined(separator: ", "))
    }

    static func text(ofUnset name: String) -> String {
        if lists.contains(name) { return "[]" }
        if maps.contains(name) { return "map[]" }
        return optional.contains(name) ? "<nil>" : JSONValue.null.templateText
    }
}
