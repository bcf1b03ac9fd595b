import Foundation
import Testing

private let obstacle: String? = {
    if let obstacle = Program.obstacle { return obstacle }
    for path in ["/usr/bin/podman", "/usr/sbin/runc"]
    where !FileManager.default.isExecutableFile(atPath: path) {
        return "there is no \(path) to compare with"
    }
    return nil
}()

/// Some of the cases in `Tests/Containers`, done here and by podman.
@Suite(.serialized, .enabled(if: obstacle == nil, "\(obstacle ?? "")"))
struct PeerContainerTests {
    private static let compare = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Containers/compare").path

    /// All with VITRINE_CONTAINERS=1, which takes some minutes.
    @Test(.timeLimit(.minutes(30)))
    func `commands do what podman's do, or Docker's where these differ`() throws {
        let every = ProcessInfo.processInfo.environment["VITRINE_CONTAINERS"]
        let choice = every.map { "--sample \($0)" } ?? "--only run-exit-code run-output"
        let program = try Program()
        defer { program.remove() }
        let output = try program.run(
            shell: "'\(Self.compare)' --vitrine $VITRINE --peer podman \(choice)")
        #expect(output.status == 0, "\(output.text)\(output.errors)")
    }
}
