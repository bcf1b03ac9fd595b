import Testing

@testable import FuseDriver

/// What decides when to spin and when to invite another thread.
@Suite struct ServingPoolTests {
    @Test func `spinning stops when it does not pay, and is tried again now and then`() {
        var budget = SpinBudget(limit: .microseconds(20))
        #expect(budget.limitNanoseconds == 20_000)
        for _ in 0..<16 {
            let isWorthwhile = budget.isWorthwhile()
            #expect(isWorthwhile)
            budget.failed()
        }
        let tries = (0..<96).filter { _ in budget.isWorthwhile() }.count
        #expect(tries == 3)
        budget.succeeded()
        let isWorthwhile = budget.isWorthwhile()
        #expect(isWorthwhile)
    }

    @Test func `no spinning means none`() {
        for limit in [Duration.zero, .seconds(-1)] {
            var budget = SpinBudget(limit: limit)
            let isWorthwhile = budget.isWorthwhile()
            #expect(!isWorthwhile)
        }
    }

    @Test func `requests that take long are known for it, and forgiven`() {
        let costs = RequestCosts()
        #expect(!costs.isSlow(15))
        for _ in 0..<4 { costs.record(15, nanoseconds: 1_000_000) }
        #expect(costs.isSlow(15))
        #expect(!costs.isSlow(3))
        for _ in 0..<64 { costs.record(15, nanoseconds: 5_000) }
        #expect(!costs.isSlow(15))
        costs.record(63, nanoseconds: UInt64.max)
        for _ in 0..<64 { costs.record(63, nanoseconds: 0) }
        #expect(!costs.isSlow(63))
    }
}
