//! Several nodes over a database and a Redis, all of them ours to kill.

use std::{io, net::SocketAddr};

use tests::{process::free_port, random::Random};

use crate::{
    crowd::Crowd,
    daemon::{Brand, Database, Redis},
    node::Node,
    scenario::{Failure, Place},
};

pub(crate) struct Cluster {
    pub(crate) database: Database,
    pub(crate) nodes: Vec<Node>,
    pub(crate) redis: Redis,
    /// How many databases were made in it.
    worlds: u32,
}

impl Cluster {
    /// Starts a database and a Redis, and makes nodes that are not started yet.
    pub(crate) async fn open(place: &Place, brand: Brand, nodes: usize) -> Result<Self, Failure> {
        let folder = &place.folder.join(format!("on-{brand}"));
        std::fs::create_dir(folder)?;
        let redis = Redis::open(folder).await?;
        let database = Database::open(brand, folder).await?;
        let secret = [(); 2].map(|()| uuid::Uuid::new_v4().to_string()).concat();
        let mut made = Vec::new();
        for number in 0..nodes {
            let listen = ([127, 0, 0, 1], free_port()?).into();
            let mut node = Node::new(folder, &format!("node-{number}"), listen);
            node.set("IM_CLUSTER_REDIS", &redis.url());
            node.set("IM_TOKEN_SECRET", &secret);
            made.push(node);
        }
        Ok(Self {
            database,
            nodes: made,
            redis,
            worlds: 0,
        })
    }

    /// Begins anew: all nodes on a database in which there is nothing, and devices for it.
    pub(crate) async fn new_world(&mut self, random: &mut Random) -> Result<Crowd, Failure> {
        self.worlds += 1;
        let name = format!("world_{}", self.worlds);
        let url = self.database.create(&name).await?;
        for node in &mut self.nodes {
            node.kill()?;
            node.set("IM_DATABASE_URL", &url);
            node.set("IM_CLUSTER_PREFIX", &name);
        }
        let key = self.nodes[0].create_key()?;
        self.start_nodes().await?;
        Ok(Crowd::set_up(self.nodes[0].address, &key, random).await?)
    }

    pub(crate) async fn start_nodes(&mut self) -> io::Result<()> {
        for node in &mut self.nodes {
            node.start().await?;
        }
        Ok(())
    }

    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(|node| node.address).collect()
    }
}
