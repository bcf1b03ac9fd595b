internal import CFuse
internal import Glibc

/// Keeps idle processors from halting while a mount is busy.
///
/// In most virtual machines an idle processor halts at once, and whoever wakes it needs the hypervisor:
/// each FUSE round trip wakes the server and then the client, which costs more than all the rest of it.
/// A request for a latency of 0 (`/dev/cpu_dma_latency`; Documentation/power/pm_qos_interface.rst) makes
/// idle processors poll for work instead. The kernel drops it when the device is closed, also by the end
/// of the process. Polling takes the host's time, so it is asked for only while requests follow each
/// other closely, and withdrawn some milliseconds later.
struct Wakefulness: ~Copyable {
    private let device: OwnedDescriptor
    private var isAsked = false

    /// Every idle processor polls, and a mount gains from two.
    private static let processorLimit = 8
    /// `PM_QOS_CPU_LATENCY_DEFAULT_VALUE`: no demands, in microseconds.
    private static let anyLatency: Int32 = 2_000_000_000

    /// - Returns: nil without privilege, and on machines where it does not pay: waking a processor of
    ///   real hardware costs little.
    init?() {
        guard Self.pays else { return nil }
        let raw = unsafe open(Self.path, O_WRONLY | O_CLOEXEC)
        guard raw >= 0 else { return nil }
        device = OwnedDescriptor(adopting: raw)
    }

    private static let path = "/dev/cpu_dma_latency"

    private static var pays: Bool {
        let driver = ProcFile.contents(Array("/sys/devices/system/cpu/cpuidle/current_driver".utf8))
        let processors = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        return driver == Array("haltpoll\n".utf8) && (2...processorLimit).contains(processors)
    }

    /// Whether mounts of this process do so.
    static var isPossible: Bool { unsafe pays && access(path, W_OK) == 0 }

    /// Costs nothing where it is so already.
    mutating func set(_ isAwake: Bool) {
        guard isAwake != isAsked else { return }
        var latency = isAwake ? 0 : Self.anyLatency
        // A failure leaves things as they are: slower, and no less right.
        _ = unsafe write(device.rawValue, &latency, MemoryLayout<Int32>.size)
        isAsked = isAwake
    }
}
