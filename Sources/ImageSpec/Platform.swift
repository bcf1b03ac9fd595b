/// The operating system and processor that an image is for (OCI image-spec, image-index.md).
///
/// Values are normalised as containerd does it: `x86_64` is `amd64`, `aarch64` is `arm64`, `armhf`
/// is `arm/v7`, the variants that every processor of the kind has are left out.
package struct Platform: Hashable, Sendable {
    package let os: String
    package let architecture: String
    /// `v6`, `v7`, `v8`; nil where the architecture says it all.
    package let variant: String?
    /// Windows' build number.
    package let osVersion: String?
    package let osFeatures: [String]

    package init(
        os: String, architecture: String, variant: String? = nil, osVersion: String? = nil,
        osFeatures: [String] = []
    ) {
        self.os = Self.normalise(os: os)
        (self.architecture, self.variant) = Self.normalise(
            architecture: architecture, variant: variant ?? "")
        self.osVersion = osVersion.flatMap { $0.isEmpty ? nil : $0 }
        self.osFeatures = osFeatures
    }

    /// What programs run on here.
    package static var host: Platform {
        #if arch(x86_64)
            Platform(os: "linux", architecture: "amd64")
        #elseif arch(arm64)
            Platform(os: "linux", architecture: "arm64")
        #elseif arch(arm)
            Platform(os: "linux", architecture: "arm", variant: "v7")
        #elseif arch(i386)
            Platform(os: "linux", architecture: "386")
        #elseif arch(riscv64)
            Platform(os: "linux", architecture: "riscv64")
        #elseif arch(powerpc64le)
            Platform(os: "linux", architecture: "ppc64le")
        #elseif arch(s390x)
            Platform(os: "linux", architecture: "s390x")
        #else
            #error("the name of this architecture in the OCI image-spec is not known")
        #endif
    }

    private static func normalise(os: String) -> String {
        let os = os.lowercased()
        switch os {
        case "": return "linux"
        case "macos": return "darwin"
        default: return os
        }
    }

    private static func normalise(
        architecture: String, variant: String
    ) -> (String, String?) {
        let architecture = architecture.lowercased()
        let variant = variant.lowercased()
        switch architecture {
        case "i386": return ("386", nil)
        case "x86_64", "x86-64", "amd64":
            return ("amd64", variant == "v1" || variant.isEmpty ? nil : variant)
        case "aarch64", "arm64":
            return ("arm64", ["", "8", "v8"].contains(variant) ? nil : variant)
        case "armhf": return ("arm", "v7")
        case "armel": return ("arm", "v6")
        case "arm":
            switch variant {
            case "", "7": return ("arm", "v7")
            case "5", "6", "8": return ("arm", "v" + variant)
            default: return ("arm", variant)
            }
        default: return (architecture, variant.isEmpty ? nil : variant)
        }
    }
}

// MARK: - Text

extension Platform: CustomStringConvertible {
    /// `linux/amd64`, `linux/arm/v7`.
    package var description: String {
        [os, architecture, variant].compactMap { $0 }.joined(separator: "/")
    }

    private static let knownSystems: Set<String> = [
        "aix", "android", "darwin", "dragonfly", "freebsd", "illumos", "ios", "js", "linux",
        "macos", "netbsd", "openbsd", "plan9", "solaris", "wasip1", "windows",
    ]

    private static let knownArchitectures: Set<String> = [
        "386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64",
        "ppc64le", "riscv64", "s390x", "wasm",
    ]

    /// The platform a user names: `linux/arm/v7`, `linux/amd64`, `arm64`, `linux`.
    ///
    /// What is left out is the host's.
    /// - Throws: `invalidPlatform`.
    package static func parse(
        _ text: String, host: Platform = .host
    ) throws(ImageSpecError) -> Platform {
        let failure = ImageSpecError(
            .invalidPlatform, "\"\(text.prefix(100))\" is no platform",
            hint: "a platform is written like linux/amd64 or linux/arm/v7", subject: text)
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let isPlain = parts.allSatisfy { part in
            !part.isEmpty && part.utf8.allSatisfy(isSpecifierByte)
        }
        guard isPlain else { throw failure }
        switch parts.count {
        case 1:
            if knownSystems.contains(parts[0].lowercased()) {
                return Platform(
                    os: parts[0], architecture: host.architecture, variant: host.variant)
            }
            let platform = Platform(os: host.os, architecture: parts[0])
            guard knownArchitectures.contains(platform.architecture) else { throw failure }
            return platform
        case 2: return Platform(os: parts[0], architecture: parts[1])
        case 3: return Platform(os: parts[0], architecture: parts[1], variant: parts[2])
        default: throw failure
        }
    }

    private static func isSpecifierByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"),
            UInt8(ascii: "."):
            true
        default: false
        }
    }
}

// MARK: - Matching

extension Platform {
    /// What runs on this platform, best first: it, then the older variants and 32-bit kin.
    package var runnable: [Platform] {
        var platforms = [self]
        func add(_ architecture: String, _ variants: [String?]) {
            for variant in variants {
                platforms.append(
                    Platform(os: os, architecture: architecture, variant: variant))
            }
        }
        switch (architecture, variant) {
        case ("amd64", let variant):
            let level = variant.flatMap { Int($0.dropFirst()) } ?? 1
            if level > 1 { add("amd64", (1..<min(level, 10)).reversed().map { "v\($0)" }) }
            add("386", [nil])
        case ("arm64", _):
            if variant != nil { add("arm64", [nil]) }
            add("arm", ["v8", "v7", "v6", "v5"])
        case ("arm", let variant?):
            if let level = Int(variant.dropFirst()), level > 5 {
                add("arm", (5..<min(level, 10)).reversed().map { "v\($0)" })
            }
        default: break
        }
        return platforms
    }

    /// How well an image for `other` suits this platform: 0 is best, nil does not run at all.
    package func rank(of other: Platform) -> Int? {
        runnable.firstIndex {
            $0.os == other.os && $0.architecture == other.architecture
                && $0.variant == other.variant
        }
    }
}

// MARK: - JSON

extension Platform {
    init(json: JSONValue, at path: String) throws(ImageSpecError) {
        var fields = try JSONFields(json, at: path)
        self.init(
            os: try fields.string("os") ?? "",
            architecture: try fields.string("architecture") ?? "",
            variant: try fields.string("variant"), osVersion: try fields.string("os.version"),
            osFeatures: try fields.strings("os.features") ?? [])
    }

    package var json: JSONValue {
        var object = JSONObject()
        object.append("architecture", architecture)
        object.append("os", os)
        object.append("os.version", osVersion)
        object.append("os.features", osFeatures)
        object.append("variant", variant)
        return .object(object)
    }
}
