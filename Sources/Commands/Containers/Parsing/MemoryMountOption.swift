internal import Dockerfile
internal import Store

/// `--tmpfs TARGET[:OPTIONS]`, as Docker reads it.
struct MemoryMountOption {
    let mount: ContainerSettings.ContainerMount

    /// Of mount(8), those that a tmpfs takes and that mean no change of what is mounted.
    private static let flags: Set<String> = [
        "defaults", "rw", "ro", "suid", "nosuid", "dev", "nodev", "exec", "noexec", "sync", "async",
        "dirsync", "remount", "mand", "nomand", "atime", "noatime", "diratime", "nodiratime",
        "bind", "rbind", "relatime", "norelatime", "strictatime", "nostrictatime", "private",
        "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable",
    ]
    /// Of these a container gets nothing: they are about the kind of mount.
    private static let ignored: Set<String> = [
        "defaults", "bind", "rbind", "remount", "private", "rprivate", "shared", "rshared", "slave",
        "rslave", "unbindable", "runbindable",
    ]
    private static let keys: Set<String> = [
        "size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol",
    ]

    init(parsing text: String) throws {
        func invalid(_ reason: String, _ hint: String? = nil) -> OptionError {
            OptionError(
                "--tmpfs", text, reason, hint: hint ?? "write /run or /run:size=64m,mode=1777")
        }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let target = try VolumeOption.target(String(parts[0]), invalid)
        var (size, mode): (Int64?, String?)
        var isReadOnly = false
        var options: [String] = []
        let words = parts.count > 1 && !parts[1].isEmpty ? parts[1].split(separator: ",") : []
        for word in words.map(String.init) {
            guard let equals = word.firstIndex(of: "=") else {
                guard Self.flags.contains(word) else {
                    throw invalid(
                        "invalid tmpfs option [\"\(word)\"]",
                        Suggestion.hint(for: word, among: (Self.flags.union(Self.keys)).sorted()))
                }
                if word == "ro" || word == "rw" {
                    isReadOnly = word == "ro"
                } else if !Self.ignored.contains(word) {
                    options.append(word)
                }
                continue
            }
            let (key, value) = (String(word[..<equals]), String(word[word.index(after: equals)...]))
            guard Self.keys.contains(key) else {
                throw invalid(
                    "invalid tmpfs option [\"\(key)\"]",
                    Suggestion.hint(for: key, among: Self.keys.sorted()))
            }
            switch key {
            case "size" where !value.hasSuffix("%"):
                guard let bytes = ByteSize.parse(value) else {
                    throw invalid("\"\(value)\" is no size", "write size=64m or size=50%")
                }
                size = bytes
            case "mode":
                guard let bits = UInt32(value, radix: 8), bits <= 0o7777 else {
                    throw invalid("\"\(value)\" is no mode", "write mode=1777")
                }
                mode = String(bits, radix: 8)
            default: options.append(word)
            }
        }
        var mount = ContainerSettings.ContainerMount(
            .memory(sizeBytes: size, mode: mode), target: target)
        mount.isReadOnly = isReadOnly
        mount.options = options
        self.mount = mount
    }
}
