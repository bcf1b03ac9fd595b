import FileTree
import Glibc
import LinuxIO
import Testing

@testable import Views

/// Random programs do the same to a view as to a directory of the host.
@Suite
struct WorkingTreePropertyTests {
    private static let umask: UInt32 = 0o022

    /// How the view is treated between operations.
    enum Regime: CaseIterable, Sendable {
        case drafting, freezing, reopening
    }

    @Test(arguments: Regime.allCases, [1, 2, 3] as [UInt64])
    func `a random program sees the same as on the host`(regime: Regime, seed: UInt64) throws {
        try run(regime, seed: seed, operations: 3000)
    }

    private func run(_ regime: Regime, seed: UInt64, operations: Int) throws {
        _ = Glibc.umask(Self.umask)
        let directory = try TemporaryPath.make("vitrine-host")
        defer { try? HostDirectory.removeAll(directory) }
        let fixture = try WorkingTreeFixture()
        let host = try HostClient(directory: directory)
        var view = ViewClient(fixture.tree, umask: Self.umask)
        // The two roots are to begin alike.
        for client in [host, view] as [any PosixClient] {
            _ = client.run(.changeMode(path: "", mode: 0o755))
            _ = client.run(.setModificationTime(path: "", seconds: 1))
        }
        var generator = OperationGenerator(seed: seed)
        var trace: [String] = []
        for index in 1...operations {
            let operation = generator.next()
            let (expected, found) = (host.run(operation), view.run(operation))
            trace.append("\("\(operation)".prefix(100)) -> \(expected)")
            if expected != found {
                Issue.record(
                    "step \(index): \("\(operation)".prefix(100)): host \(expected), view \(found)")
                for line in trace.suffix(12) { print(line) }
                return
            }
            guard index % 400 == 0 else { continue }
            guard compare(host, view, "step \(index)") else { return }
            if regime == .drafting && index < operations { continue }
            if regime == .reopening {
                for handle in 0..<4 {
                    _ = host.run(.close(handle: handle))
                    _ = view.run(.close(handle: handle))
                }
            }
            let tree = try fixture.freeze()
            guard try compareFrozen(tree, fixture, host, directory, "step \(index)") else { return }
            if regime == .reopening {
                try fixture.reopen(tree)
                view = ViewClient(fixture.tree, umask: Self.umask)
            }
            guard compare(host, view, "after the freeze at step \(index)") else { return }
        }
        #expect(view.duplicates == [])
    }

    private func compare(_ host: HostClient, _ view: ViewClient, _ place: String) -> Bool {
        let names = OperationGenerator.attributeNames
        return expectEqual(
            TreeComparison.lines(host, attributeNames: names),
            TreeComparison.lines(view, attributeNames: names), place)
    }

    private func compareFrozen(
        _ tree: Tree, _ fixture: WorkingTreeFixture, _ host: HostClient, _ directory: String,
        _ place: String
    ) throws -> Bool {
        let names = OperationGenerator.attributeNames
        let same = expectEqual(
            TreeComparison.lines(host, attributeNames: names),
            try TreeComparison.lines(tree, fixture, attributeNames: names), "frozen at \(place)")
        let groups = try TreeComparison.linkGroups(tree, fixture)
        #expect(try TreeComparison.linkGroups(ofDirectory: directory) == groups)
        #expect(try HardLinkGroups.canonicalized(tree, in: fixture.directories) == tree)
        return same
    }

    private func expectEqual(_ expected: [String], _ found: [String], _ place: String) -> Bool {
        if expected == found { return true }
        let missing = Set(expected).subtracting(found).sorted()
        let surplus = Set(found).subtracting(expected).sorted()
        Issue.record("\(place): host \(missing) view \(surplus)")
        return false
    }
}
