import Testing

/// The architecture as a table: what each module may import of the project's own modules and of
/// others' packages. Package.swift declares the same; docs/architecture.md draws it.
enum ModuleGraph {
    struct Module: Sendable, CustomTestStringConvertible {
        let name: String
        let imports: Set<String>
        var testDescription: String { name }

        init(_ name: String, _ imports: Set<String> = []) {
            self.name = name
            self.imports = imports
        }
    }

    /// From the bottom up: a module imports only what stands above it here.
    static let modules = [
        Module("ImageSpec", ["CCrypto"]),
        Module("Dockerfile"),
        Module("LinuxIO", ["CLinux"]),
        Module("FileTree", ["ImageSpec"]),
        Module("Store", ["FileTree", "LinuxIO", "ImageSpec", "CSQLite", "GRDB"]),
        Module("Layers", ["Store", "FileTree", "ImageSpec", "LinuxIO", "CArchive"]),
        Module("VirtualFS"),
        Module("Views", ["VirtualFS", "Store", "FileTree", "ImageSpec", "LinuxIO"]),
        Module("FuseDriver", ["VirtualFS", "CFuse"]),
        Module("Sandbox", ["ImageSpec", "LinuxIO"]),
        Module(
            "Builder",
            ["Dockerfile", "Layers", "Sandbox", "Store", "FileTree", "ImageSpec", "LinuxIO"]),
        Module(
            "Downloads",
            ["ImageSpec", "AsyncHTTPClient", "NIOCore", "NIOHTTP1", "NIOPosix", "NIOSSL"]),
        Module(
            "Engine",
            [
                "Builder", "Downloads", "Dockerfile", "Layers", "Sandbox", "Store", "FileTree",
                "ImageSpec", "LinuxIO", "VirtualFS", "Views", "FuseDriver",
            ]),
        // The command line speaks to the engine; the rest are the values it is answered with.
        Module(
            "Commands",
            [
                "Engine", "ArgumentParser", "Builder", "Dockerfile", "FileTree", "ImageSpec",
                "Layers", "Store",
            ]),
        Module("vitrine", ["Commands"]),
    ]

    /// C enters through these, each by one Swift module.
    static let boundaries = [
        "CFuse": "FuseDriver", "CArchive": "Layers", "CLinux": "LinuxIO", "CCrypto": "ImageSpec",
        "CSQLite": "Store",
    ]

    /// What comes with the toolchain and the system.
    static let system: Set<String> = [
        "Swift", "Synchronization", "Dispatch", "Foundation", "FoundationEssentials", "Glibc",
    ]

    /// Modules that are computation only: no system interface at all.
    static let pure: Set<String> = ["ImageSpec", "Dockerfile", "FileTree", "VirtualFS"]

    /// The part of ``system`` that computation may use.
    static let pureSystem: Set<String> = ["Swift", "Synchronization"]

    /// Modules that may import Foundation, and why: it is slow to start and its strings rewrite
    /// bytes, so the rest does without.
    ///
    /// - `Store`: GRDB's blobs are `Data`.
    /// - `Commands`: the environment and the standard streams.
    static let foundation: Set<String> = ["Store", "Commands"]

    /// Modules that know of the command line's or the database's packages.
    static let owners = [
        "GRDB": "Store", "ArgumentParser": "Commands", "AsyncHTTPClient": "Downloads",
        "NIOCore": "Downloads", "NIOHTTP1": "Downloads", "NIOPosix": "Downloads",
        "NIOSSL": "Downloads",
    ]
}
