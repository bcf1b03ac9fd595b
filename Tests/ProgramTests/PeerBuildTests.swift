import Foundation
import Testing

private let obstacle: String? = {
    if let obstacle = Program.obstacle { return obstacle }
    let hasPeer = FileManager.default.isExecutableFile(atPath: "/usr/bin/buildah")
    return hasPeer ? nil : "there is no buildah to compare with"
}()

/// Some of the collection of Dockerfiles in `Tests/Builds`, built here and by buildah.
@Suite(.serialized, .enabled(if: obstacle == nil, "\(obstacle ?? "")"))
struct PeerBuildTests {
    private static let compare = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Builds/compare").path

    /// All with VITRINE_BUILDS=1, which takes some minutes.
    @Test(.timeLimit(.minutes(30)))
    func `Dockerfiles become what buildah makes of them`() throws {
        let every = ProcessInfo.processInfo.environment["VITRINE_BUILDS"] ?? "14"
        let program = try Program()
        defer { program.remove() }
        let output = try program.run(
            shell: "'\(Self.compare)' --vitrine $VITRINE --peer buildah --sample \(every)")
        #expect(output.status == 0, "\(output.text)\(output.errors)")
    }
}

/// Random Dockerfiles with the cache and without it.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct CachedBuildTests {
    private static let cached = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Builds/cached").path

    /// More with VITRINE_BUILDS=1, from a seed of the moment, which takes some minutes.
    @Test(.timeLimit(.minutes(30)))
    func `a cache gives what a build without it gives`() throws {
        let isLong = ProcessInfo.processInfo.environment["VITRINE_BUILDS"] != nil
        let program = try Program()
        defer { program.remove() }
        let output = try program.run(
            shell:
                "'\(Self.cached)' --vitrine $VITRINE \(isLong ? "--seeds 50" : "--seed 7 --seeds 2")"
        )
        #expect(output.status == 0, "\(output.text)\(output.errors)")
    }
}
