internal import Dockerfile
package import ImageSpec
package import Store

/// A step as it is shown: one that makes a root file system, of a base image or a layer.
package struct BuildStep: Hashable, Sendable {
    /// Counts through the whole build, from 1.
    package var number: Int
    /// `[stage 2/4] RUN make`
    package var label: String
    /// The instruction alone, as the history has it.
    package var instruction: String
    /// The stage and the step's number in it: by which a step of another build is the same.
    package var place: String
    /// Why it had to run; nil for one that did not.
    package var explanation: CacheExplanation?

    package init(
        number: Int, label: String, instruction: String, place: String = "",
        explanation: CacheExplanation? = nil
    ) {
        self.number = number
        self.label = label
        self.instruction = instruction
        self.place = place
        self.explanation = explanation
    }
}

/// What happens in a build, as it happens.
package enum BuildEvent: Sendable {
    case started(build: String, title: String)
    /// How many steps there are, with the one that makes the image.
    case planned(stepCount: Int)
    case stepStarted(BuildStep)
    /// Bytes that a command printed, cut anywhere.
    case output(step: Int, [UInt8])
    /// Why the step has to run.
    case stepExplained(step: Int, CacheExplanation)
    /// Another build, or another stage, runs the same step: its result is waited for.
    case stepWaiting(step: Int)
    /// The step was not run: its result was known.
    case stepCached(step: Int, CacheKey)
    case stepDone(step: Int, Duration)
    case stepFailed(step: Int, Duration, message: String)
    case warning(BuildWarning)
    /// It was ended because of something else.
    case stepCancelled(step: Int, Duration)
    /// Layers are being written and the image recorded.
    case exporting(step: Int)
    case exported(step: Int, ImageID, tags: [Reference], Duration)
    /// The terminal is somebody else's until ``terminalReturned``.
    case terminalLent
    case terminalReturned
}

/// Something that deserves a look and ends nothing.
package struct BuildWarning: Hashable, Sendable {
    /// As Docker's build checks name it, where they do.
    package var code: String
    package var message: String
    /// The file and line, where there is one: `Dockerfile:3`.
    package var place: String?

    package init(code: String, message: String, place: String? = nil) {
        self.code = code
        self.message = message
        self.place = place
    }

    init(_ finding: DockerfileWarning, in file: DockerfileText?) {
        self.init(
            code: finding.code.rawValue, message: finding.message,
            place: file.map { "\($0.name):\(finding.range.start.line)" })
    }
}

/// Takes the events of a build, from any thread and from several at once. Those of one step come in
/// their order.
package protocol BuildObserver: Sendable {
    func observe(_ event: BuildEvent)
}

/// Shows nothing: what `--quiet` asks for. The caller prints the image ID.
package struct QuietProgress: BuildObserver {
    package init() {}
    package func observe(_ event: BuildEvent) {}
}
