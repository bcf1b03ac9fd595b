import Glibc
import LinuxIO
import Store
import Testing

@testable import Views

/// Random programs see the same on a mounted view as on ext4: every result, every attribute.
///
/// `VITRINE_OPERATIONS=100000` plays so many of each kind, with seeds that it prints;
/// `VITRINE_SEED=` plays one again.
@Suite(.serialized, .enabled(if: Player.obstacle == nil, "\(Player.obstacle ?? "")"))
struct RandomOperationsTests {
    /// How the view is treated while programs use it.
    enum Regime: CaseIterable, Sendable {
        case passthrough, daemon, freezing, reopening
    }

    /// As many seeds as it takes, of a few thousand operations each.
    private func seeds(
        _ usual: UInt64, each limit: UInt64 = 5000,
        _ body: (_ seed: UInt64, _ count: UInt64) throws -> Void
    ) throws {
        guard let wanted = Player.operations else {
            return try body(Player.seed ?? 1, usual)
        }
        var seed = Player.seed ?? .random(in: 1...1_000_000_000)
        var left = wanted
        while left > 0 {
            print("VITRINE_SEED=\(seed)")
            try body(seed, min(left, limit))
            left -= min(left, limit)
            seed += 1
        }
    }

    @Test(arguments: Regime.allCases)
    func `a random program sees the same as on ext4`(regime: Regime) throws {
        try seeds(1200) { seed, count in
            try MountedPair.mounted(regime == .daemon ? .daemon : .passthrough) { pair in
                var arguments = [
                    "compare", pair.view, pair.disk, "--seed", "\(seed)", "--operations",
                    "\(count)", "--interval", "\(max(count / 3, 600))",
                ]
                switch regime {
                case .passthrough, .daemon: break
                case .freezing: arguments += ["--checkpoint", "300", "--no-sockets"]
                case .reopening: arguments += ["--checkpoint", "400", "--no-sockets", "--reopens"]
                }
                let outcome = try Player.run(arguments) {
                    if regime == .reopening { return try pair.reopen() }
                    _ = try pair.fixture.freeze()
                }
                #expect(outcome.status == 0, "\(regime):\n\(outcome.text)")
                #expect(try Verifier(pair.fixture.store).run().problems == [])
            }
        }
    }

    @Test func `programs at once in directories of their own see the same as on ext4`() throws {
        try seeds(500) { seed, count in
            try MountedPair.mounted(isRich: false) { pair in
                let parts = ["a", "b", "c"]
                for path in [pair.view, pair.disk] {
                    for part in parts {
                        try HostDirectory.make("\(path)/\(part)", permissions: 0o755)
                        try Player.run(["populate", "\(path)/\(part)"])
                    }
                }
                try pair.reopen()
                let outcomes = try Player.runTogether(
                    parts.enumerated().map { index, part in
                        [
                            "compare", "\(pair.view)/\(part)", "\(pair.disk)/\(part)", "--seed",
                            "\(seed * 100 + UInt64(index))", "--operations", "\(count)",
                        ]
                    })
                for outcome in outcomes { #expect(outcome.status == 0, "\(outcome.text)") }
            }
        }
    }

    @Test(arguments: MountedPair.Service.allCases)
    func `programs at once in the same directories leave a tree that adds up`(
        service: MountedPair.Service
    ) throws {
        try seeds(400) { seed, count in
            try MountedPair.mounted(service, isRich: false) { pair in
                let outcome = try Player.run([
                    "crowd", pair.view, "--seed", "\(seed)", "--operations", "\(count)",
                    "--processes", "4",
                ])
                #expect(outcome.status == 0, "\(outcome.text)")
            }
        }
    }

    /// What the file is before: of the image, whole or block by block once written to, or new.
    enum Beginning: String, CaseIterable, Sendable {
        case small = "sizes/odd"
        case large = "sizes/large"
        case sparse = "sizes/sparser"
        case new = "new"
    }

    @Test(arguments: Beginning.allCases, MountedPair.Service.allCases)
    func `a file that is used in every way holds what was written`(
        beginning: Beginning, service: MountedPair.Service
    ) throws {
        try seeds(600, each: 50_000) { seed, count in
            try MountedPair.mounted(service) { pair in
                for flags in [[], ["--direct"]] {
                    let outcome = try Player.run(
                        [
                            "exercise", "\(pair.view)/\(beginning.rawValue)", "--seed", "\(seed)",
                            "--operations", "\(count)",
                        ] + flags)
                    #expect(outcome.status == 0, "\(outcome.text)")
                }
            }
        }
    }
}
