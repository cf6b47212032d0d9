//! Brokers: the names behind agent numbers.

/// Number, short name, full name. Numbers are like the exchange's, names are invented.
pub const AGENTS: &[(i32, &str, &str)] = &[
    (3, "Araucária", "Araucária Corretora de Mercadorias S.A."),
    (8, "Baobá", "Baobá Investimentos S.A."),
    (13, "Cedro", "Cedro Securities Brasil S.A."),
    (16, "Dendê", "Dendê Corretora de Câmbio S.A."),
    (27, "Embaúba", "Embaúba Corretora S.A."),
    (39, "Figueira", "Figueira DTVM Ltda."),
    (40, "Goiabeira", "Goiabeira Corretora S.A."),
    (45, "Ipê", "Ipê Global Markets S.A."),
    (72, "Jacarandá", "Jacarandá Valores S.A."),
    (85, "Laranjeira", "Laranjeira Corretora S.A."),
    (90, "Mangueira", "Mangueira Investimentos S.A."),
    (107, "Nogueira", "Nogueira Corretora S.A."),
    (114, "Oiti", "Oiti Corretora de Valores S.A."),
    (120, "Pitangueira", "Pitangueira Genial S.A."),
    (127, "Quaresmeira", "Quaresmeira Trading S.A."),
    (238, "Romã", "Romã Capital Markets S.A."),
    (308, "Sapucaia", "Sapucaia Investimentos S.A."),
    (386, "Tarumã", "Tarumã Corretora S.A."),
    (735, "Umbuzeiro", "Umbuzeiro Corretora S.A."),
    (1618, "Xaxim", "Xaxim Corretora Digital S.A."),
    (15003, "Simulador", "Simulador"),
];

/// Name of an agent.
#[must_use]
pub fn name(id: i32, short: bool) -> Option<&'static str> {
    let &(_, short_name, full) = AGENTS.iter().find(|a| a.0 == id)?;
    Some(if short { short_name } else { full })
}

/// The broker of a synthetic offer; the last agent is the simulator's own.
#[must_use]
pub fn invented(offer: i64) -> i32 {
    let mixed = (offer as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    AGENTS[(mixed % (AGENTS.len() as u64 - 1)) as usize].0
}
