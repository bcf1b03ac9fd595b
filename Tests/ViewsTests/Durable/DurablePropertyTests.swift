import FileTree
import Foundation
import Glibc
import LinuxIO
import Testing

@testable import Views

/// Random programs on a durable view that is dropped at random moments, as by `kill -9`.
@Suite
struct DurablePropertyTests {
    private static let umask: UInt32 = 0o022

    /// More with VITRINE_SEEDS=100.
    private static let seeds: [UInt64] = Array(
        1...(ProcessInfo.processInfo.environment["VITRINE_SEEDS"].flatMap { UInt64($0) } ?? 4))

    @Test(arguments: seeds, [false, true])
    func `a dropped view comes back as it was`(seed: UInt64, freezes: Bool) throws {
        try run(seed: seed, operations: 2000, freezes: freezes, compacts: false)
    }

    @Test(arguments: [101, 102] as [UInt64])
    func `a view whose journal is rewritten all the time comes back as it was`(seed: UInt64) throws
    {
        try run(seed: seed, operations: 1500, freezes: true, compacts: true)
    }

    private func run(seed: UInt64, operations: Int, freezes: Bool, compacts: Bool) throws {
        _ = Glibc.umask(Self.umask)
        let directory = try TemporaryPath.make("vitrine-host")
        defer { try? HostDirectory.removeAll(directory) }
        let host = try HostClient(directory: directory)
        var generator = OperationGenerator(seed: seed)
        let fixture = try DurableFixture { draft in
            let view = ViewClient(draft, umask: Self.umask)
            for client in [host, view] as [any PosixClient] {
                _ = client.run(.changeMode(path: "", mode: 0o755))
                _ = client.run(.setModificationTime(path: "", seconds: 1))
            }
            for _ in 0..<400 {
                let operation = generator.next()
                _ = (host.run(operation), view.run(operation))
            }
            view.closeAll()
        }
        for handle in 0..<4 { _ = host.run(.close(handle: handle)) }
        var view = ViewClient(fixture.tree, umask: Self.umask)
        guard compare(host, view, "at first") else { return }
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
            if compacts && generator.chance(50) { fixture.tree.compact() }
            if generator.chance(200) { try fixture.tree.commit(whole: generator.chance(2)) }
            if freezes && generator.chance(150) {
                let (tree, directories) = try fixture.freeze()
                #expect(try HardLinkGroups.canonicalized(tree, in: directories) == tree)
                guard compare(host, view, "after a freeze at step \(index)") else { return }
            }
            guard generator.chance(70) || index == operations else { continue }
            let before = try ViewListing.lines(fixture.tree)
            // Nothing has the view any more when it is opened again.
            view = ViewClient(
                try WorkingTree(base: .empty, store: fixture.store, lease: fixture.lease),
                umask: Self.umask)
            try fixture.reopen()
            for handle in 0..<4 { _ = host.run(.close(handle: handle)) }
            let after = try ViewListing.lines(fixture.tree)
            view = ViewClient(fixture.tree, umask: Self.umask)
            guard expectEqual(before, after, "reopened at step \(index)"),
                compare(host, view, "reopened at step \(index)")
            else {
                for line in trace.suffix(12) { print(line) }
                return
            }
        }
        #expect(view.duplicates == [])
        fixture.tree.unmounted()
        let used = try WorkingTree.replay(fixture.place, bootID: "boot-1").inodes.values
            .compactMap { record -> String? in
                if case .own(let file) = record.body { return "\(file.number)" }
                return nil
            }
        #expect(fixture.ownFiles == used.sorted())
    }

    private func compare(_ host: HostClient, _ view: ViewClient, _ place: String) -> Bool {
        let names = OperationGenerator.attributeNames
        return expectEqual(
            TreeComparison.lines(host, attributeNames: names),
            TreeComparison.lines(view, attributeNames: names), place)
    }

    private func expectEqual(_ expected: [String], _ found: [String], _ place: String) -> Bool {
        if expected == found { return true }
        let missing = Set(expected).subtracting(found).sorted()
        let surplus = Set(found).subtracting(expected).sorted()
        Issue.record("\(place): expected \(missing) found \(surplus)")
        return false
    }
}
