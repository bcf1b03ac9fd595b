internal import Store

/// `--sysctl NAME=VALUE`: those that belong to a namespace, and so to one container.
enum KernelParameter {
    private static let interprocess: Set<String> = [
        "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall",
        "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced",
    ]

    static func parse(_ text: String) throws -> (name: String, value: String) {
        func invalid(_ reason: String, _ hint: String? = nil) -> OptionError {
            OptionError("--sysctl", text, reason, hint: hint)
        }
        guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
            throw invalid("it has no value", "write net.core.somaxconn=1024")
        }
        let name = String(text[..<equals])
        let isPlain = name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") }
        guard isPlain, !name.contains(".."),
            interprocess.contains(name) || name.hasPrefix("net.") || name.hasPrefix("fs.mqueue.")
        else {
            throw invalid(
                "sysctl '\(name)' is not allowed: it is not a container's own",
                "net.*, fs.mqueue.*, kernel.msg*, kernel.sem and kernel.shm* are")
        }
        return (name, String(text[text.index(after: equals)...]))
    }

    /// The namespace that a parameter is of must be the container's own.
    static func check(_ settings: ContainerSettings) throws {
        for (name, value) in settings.kernelParameters {
            let text = "\(name)=\(value)"
            if name.hasPrefix("net."), settings.network == .host {
                throw OptionError("--sysctl", text, "sysctl not allowed in host network namespace")
            }
            if !name.hasPrefix("net."), settings.interprocess == .host {
                throw OptionError("--sysctl", text, "sysctl not allowed in host ipc namespace")
            }
        }
    }
}
