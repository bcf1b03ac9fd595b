package import ImageSpec

/// Which system calls a container may make (seccomp(2); OCI runtime-spec, config-linux.md,
/// "Seccomp").
///
/// An allow-list in the spirit of Docker's default profile: what needs a privilege of the host is
/// allowed together with the capability that stands for it. Calls that are known and withheld fail
/// with EPERM; calls that this list does not know fail with ENOSYS, so that programs built for newer
/// kernels fall back as they would on an older one. Names that a runtime or an architecture does not
/// know are skipped by it.
package enum SeccompProfile {
    private static let permissionDenied = 1
    private static let notImplemented = 38

    /// The profile for a container with these capabilities on that architecture (OCI's name).
    /// - Returns: nil where the architecture's name in libseccomp is not known here.
    package static func document(
        capabilities: [String], architecture: String = Platform.host.architecture
    ) -> JSONValue? {
        guard let architectures = architectures[architecture] else { return nil }
        let granted = Set(capabilities)
        var allowed = Set(SeccompCalls.allowed)
        var denied = Set(SeccompCalls.denied)
        for (capability, calls) in SeccompCalls.byCapability {
            if granted.contains(capability) {
                allowed.formUnion(calls)
            } else {
                denied.formUnion(calls)
            }
        }
        // `setns` and others stand under two capabilities: one of them is enough.
        denied.subtract(allowed)
        var rules = [rule(allowed.sorted(), allow: true), rule(denied.sorted(), allow: false)]
        rules += personalities
        rules += sockets
        rules += clones(isPrivileged: granted.contains("CAP_SYS_ADMIN"), architecture)
        return [
            "defaultAction": "SCMP_ACT_ERRNO",
            "defaultErrnoRet": JSONValue(notImplemented),
            "architectures": JSONValue(architectures),
            "syscalls": .array(rules),
        ]
    }

    private static let architectures: [String: [String]] = [
        "amd64": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        "arm64": ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"], "arm": ["SCMP_ARCH_ARM"],
        "386": ["SCMP_ARCH_X86"], "ppc64le": ["SCMP_ARCH_PPC64LE"],
        "riscv64": ["SCMP_ARCH_RISCV64"], "s390x": ["SCMP_ARCH_S390X", "SCMP_ARCH_S390"],
    ]

    // MARK: - Rules

    private static func rule(
        _ names: [String], allow: Bool, arguments: [JSONValue] = []
    ) -> JSONValue {
        var object = JSONObject()
        object.append("names", names)
        object.append("action", allow ? "SCMP_ACT_ALLOW" : "SCMP_ACT_ERRNO")
        if !allow { object.append("errnoRet", JSONValue(permissionDenied)) }
        if !arguments.isEmpty { object.append("args", .array(arguments)) }
        return .object(object)
    }

    private static func argument(
        _ index: Int, _ value: UInt64, _ comparison: String, second: UInt64 = 0
    ) -> JSONValue {
        [
            "index": JSONValue(index), "value": JSONValue(value), "valueTwo": JSONValue(second),
            "op": .string(comparison),
        ]
    }

    /// Linux, Linux with 32-bit addresses, their variants with the old `uname`, and the question.
    private static var personalities: [JSONValue] {
        [0, 8, 0x20000, 0x20008, 0xFFFF_FFFF].map {
            rule(["personality"], allow: true, arguments: [argument(0, $0, "SCMP_CMP_EQ")])
        }
    }

    /// Sockets of any family but AF_VSOCK, which leads to the hypervisor.
    private static var sockets: [JSONValue] {
        [
            rule(["socket"], allow: true, arguments: [argument(0, 40, "SCMP_CMP_NE")]),
            rule(["socket"], allow: false, arguments: [argument(0, 40, "SCMP_CMP_EQ")]),
        ]
    }

    /// New processes and threads, but no new namespaces unless privileged.
    private static func clones(isPrivileged: Bool, _ architecture: String) -> [JSONValue] {
        if isPrivileged { return [rule(["clone", "clone3"], allow: true)] }
        // On s390 the flags are the second argument.
        let index = architecture == "s390x" ? 1 : 0
        let all = SeccompCalls.namespaceFlags.reduce(0, |)
        // clone3 passes its flags in memory, where no filter sees them: it is said not to exist.
        return [
            rule(
                ["clone"], allow: true,
                arguments: [argument(index, all, "SCMP_CMP_MASKED_EQ", second: 0)])
        ]
            + SeccompCalls.namespaceFlags.map { flag in
                rule(
                    ["clone"], allow: false,
                    arguments: [argument(index, flag, "SCMP_CMP_MASKED_EQ", second: flag)])
            }
    }
}
