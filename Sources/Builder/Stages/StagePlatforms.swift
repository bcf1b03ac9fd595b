internal import Dockerfile
internal import ImageSpec

/// What each stage's programs run on, and whether they run here.
///
/// Files can be put together for any platform; only RUN needs one that this host has, by its processor
/// or by an emulator that the kernel knows (binfmt_misc).
struct StagePlatforms {
    private let target: Platform
    private let emulators: Emulators
    private var known: [Int: Platform] = [:]

    init(target: Platform, emulators: Emulators = Emulators()) {
        self.target = target
        self.emulators = emulators
    }

    /// Notes the platform of a stage, whose bases were checked before.
    /// - Parameters:
    ///   - asked: by the FROM line or the command line.
    ///   - found: the base image's.
    /// - Throws: `platformMismatch` where RUN could not run, at the first such instruction.
    mutating func check(_ step: StagePlan.Step, asked: Platform?, found: Platform?) throws {
        var platform = found ?? asked ?? target
        if case .stage(let base) = step.base { platform = known[base] ?? platform }
        known[step.stage.index] = platform
        guard Platform.host.rank(of: platform) == nil, !emulators.run(platform),
            let run = step.stage.instructions.first(where: { $0.keyword == .run })
        else { return }
        throw BuildError(
            .platformMismatch,
            "RUN needs \(platform), and this host runs \(Platform.host) only", at: run.range,
            hint: platform.os == "linux"
                ? "an emulator helps: on Debian, apt-get install qemu-user-static binfmt-support"
                : "its programs are not Linux's")
    }
}
