internal import Glibc
package import ImageSpec

extension Timestamp {
    /// To the second, as clocks here show it: `2026-11-27 14:04:20 +0000 UTC`, Docker's CreatedAt.
    package var localText: String {
        var time = time_t(unixSeconds)
        var fields = unsafe tm()
        guard unsafe localtime_r(&time, &fields) != nil else { return description }
        let text = unsafe [UInt8](unsafeUninitializedCapacity: 64) { bytes, count in
            unsafe bytes.withMemoryRebound(to: CChar.self) {
                count = unsafe strftime(
                    $0.baseAddress, $0.count, "%Y-%m-%d %H:%M:%S %z %Z", &fields)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// As clocks here show it, with their offset and nine fractional digits.
    package var fullLocalText: String { fullText(offsetMinutes: localOffsetMinutes) }

    /// To the second, as clocks here show it, with their offset: `2026-11-27T09:04:20-05:00`.
    package var localSecondText: String { secondText(offsetMinutes: localOffsetMinutes) }

    /// How far east of UTC clocks here are at this moment; 0 for one that they cannot show.
    private var localOffsetMinutes: Int32 {
        var time = time_t(unixSeconds)
        var fields = unsafe tm()
        guard unsafe localtime_r(&time, &fields) != nil else { return 0 }
        return Int32(unsafe fields.tm_gmtoff / 60)
    }
}
