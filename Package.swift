// swift-tools-version: 6.3
import Foundation
import PackageDescription

// The target graph is the architecture: dependencies point one way, and
// Tests/ArchitectureTests asserts it. docs/architecture.md draws it.

let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let argumentParser: Target.Dependency = .product(
    name: "ArgumentParser", package: "swift-argument-parser")

let httpClient: [Target.Dependency] = [
    .product(name: "AsyncHTTPClient", package: "async-http-client"),
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOSSL", package: "swift-nio-ssl"),
]

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

func tests(
    _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []
) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, exclude: exclude, swiftSettings: swiftSettings)
}

let package = Package(
    name: "vitrine",
    products: [.executable(name: "vitrine", targets: ["vitrine"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.80.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.30.0"),
    ],
    targets: [
        .systemLibrary(name: "CFuse", pkgConfig: "fuse3", providers: [.apt(["libfuse3-dev"])]),
        .systemLibrary(
            name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(
            name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .target(name: "CLinux"),

        module("ImageSpec", ["CCrypto"]),
        module("Dockerfile"),
        module("LinuxIO", ["CLinux"]),
        module("FileTree", ["ImageSpec"]),
        module("Store", ["FileTree", "LinuxIO", "ImageSpec", "CSQLite", grdb]),
        module("Layers", ["Store", "FileTree", "ImageSpec", "LinuxIO", "CArchive"]),
        module("VirtualFS"),
        module("Views", ["VirtualFS", "Store", "FileTree", "ImageSpec", "LinuxIO"]),
        module("FuseDriver", ["VirtualFS", "CFuse"]),
        module("Sandbox", ["ImageSpec", "LinuxIO"]),
        module("Downloads", ["ImageSpec"] + httpClient),
        module(
            "Builder",
            ["Dockerfile", "Layers", "Sandbox", "Store", "FileTree", "ImageSpec", "LinuxIO"]),
        module(
            "Engine",
            [
                "Builder", "Downloads", "Dockerfile", "Layers", "Sandbox", "Store", "FileTree",
                "ImageSpec", "LinuxIO", "VirtualFS", "Views", "FuseDriver",
            ]),
        module("Commands", ["Engine", argumentParser]),
        .executableTarget(
            name: "vitrine", dependencies: ["Commands"], swiftSettings: swiftSettings,
            // Relocations of Swift's tables are a tenth of a short command; packed they cost little.
            linkerSettings: [
                .unsafeFlags(
                    ["-use-ld=lld", "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs"],
                    .when(configuration: .release))
            ]),

        tests("ImageSpecTests", ["ImageSpec"]),
        tests("DockerfileTests", ["Dockerfile"], exclude: ["Golden"]),
        tests("FileTreeTests", ["FileTree", "ImageSpec"]),
        tests("LayersTests", ["Layers", "Store", "FileTree", "ImageSpec", "LinuxIO"]),
        tests("LinuxIOTests", ["LinuxIO"]),
        tests("StoreTests", ["Store", "FileTree", "ImageSpec", "LinuxIO", grdb]),
        tests("FuseDriverTests", ["FuseDriver", "VirtualFS", "CFuse", "CLinux"]),
        tests(
            "ViewsTests",
            [
                "Views", "FuseDriver", "VirtualFS", "Store", "FileTree", "ImageSpec", "LinuxIO",
                "CLinux", "CFuse",
            ]),
        // What ViewsTests and ProgramTests play on mounts: "swift build --build-tests" builds it beside
        // them.
        .executableTarget(name: "Player", path: "Tests/Player"),
        tests("SandboxTests", ["Sandbox", "ImageSpec", "LinuxIO"]),
        tests(
            "BuilderTests",
            [
                "Builder", "Dockerfile", "Layers", "Sandbox", "Store", "FileTree", "ImageSpec",
                "LinuxIO",
            ]),
        // A real web server for tests.
        .target(
            name: "LoopbackServer", dependencies: ["LinuxIO"], path: "Tests/LoopbackServer",
            exclude: ["http-server.py"],
            swiftSettings: swiftSettings),
        tests("DownloadsTests", ["Downloads", "ImageSpec", "LoopbackServer"]),
        tests("EngineTests", ["Engine", "ImageSpec"]),
        tests("CommandsTests", ["Commands", "ImageSpec", "Store", argumentParser]),
        tests("ArchitectureTests", []),
        // Run the program itself, which "swift build --build-tests" builds beside them.
        tests("MountsTests", ["vitrine"]),
        tests("ProgramTests", ["vitrine", "Store", "CLinux", "LoopbackServer"]),
    ]
)

// libFuzzer's targets, which link only with its runtime: "make fuzz" asks for them.
if ProcessInfo.processInfo.environment["VITRINE_FUZZ"] != nil {
    func fuzzer(_ name: String, _ dependencies: [Target.Dependency]) -> [Target] {
        package.products.append(.executable(name: "Fuzz\(name)", targets: ["Fuzz\(name)"]))
        return [
            .executableTarget(
                name: "Fuzz\(name)", dependencies: dependencies + ["CFuzzer"],
                path: "Tests/Fuzz/\(name)",
                swiftSettings: swiftSettings + [.unsafeFlags(["-parse-as-library"])],
                linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])])
        ]
    }
    package.targets.append(.systemLibrary(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"))
    package.targets += fuzzer("Dockerfile", ["Dockerfile"])
    package.targets += fuzzer("Documents", ["ImageSpec"])
    package.targets += fuzzer("Journal", ["Views"])
    package.targets += fuzzer("Tar", ["Layers"])
    package.targets += fuzzer("Tree", ["FileTree", "ImageSpec"])
}
